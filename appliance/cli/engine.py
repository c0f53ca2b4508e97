"""`keepline engine`: the one process that carries out runs and starts what policies ask for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import typer

from appliance.assembly import Appliance
from appliance.cli.invocation import JsonOption, invocation_of
from appliance.cli.output import Output
from appliance.cli.signals import StopFlag, stop_flag
from appliance.engine import EngineRunningError
from appliance.scheduling import Waker

LOOK_SECONDS = 0.5


def engine(context: typer.Context, *, json: JsonOption = False) -> None:
    """Be the appliance's engine: carry out runs, start what policies ask for, until told to stop.

    A second engine waits until the first one is gone, and takes over.
    """
    invocation = invocation_of(context)
    with invocation.appliance() as appliance, stop_flag() as stop, ExitStack() as stack:
        if _is_engine(appliance, stop, invocation.output, stack):
            _work(appliance, stop, invocation.output)
    if json:
        invocation.output.document({"engine": "stopped"})
    else:
        invocation.output.line("engine stopped")


def _is_engine(appliance: Appliance, stop: StopFlag, output: Output, stack: ExitStack) -> bool:
    """Wait for the right to be the engine, and hold it until `stack` ends; False when told to stop before."""
    said = ""
    while not stop.is_set:
        try:
            stack.enter_context(appliance.engine_lock.held())
        except EngineRunningError as error:
            if str(error) != said:
                said = str(error)
                output.notice(f"waiting: {said}")
            appliance.clock.sleep(LOOK_SECONDS)
        else:
            return True
    return False


def _work(appliance: Appliance, stop: StopFlag, output: Output) -> None:
    """Carry out runs in a thread of their own, and keep the policies, until told to stop.

    Raises:
        ApplianceError: what the engine ended with.
    """
    made = appliance.make_engine()
    with ThreadPoolExecutor(1, thread_name_prefix="engine") as pool:
        working = pool.submit(made.run_until_stopped)
        try:
            # Delivery has a thread of its own: a mail server that hangs must not hold up what is due.
            with (
                Waker(appliance.policy_keeper.wake, appliance.clock) as waker,
                Waker(appliance.notifier_keeper.wake, appliance.clock) as messenger,
            ):
                output.notice("engine started")
                while not stop.is_set and not working.done():
                    appliance.clock.sleep(LOOK_SECONDS)
                    waker.check()
                    messenger.check()
                output.notice("stopping: runs end as interrupted, and go on with the next engine")
                made.stop()
        finally:
            made.stop()
        working.result()
