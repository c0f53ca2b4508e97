"""`make run`: the engine and the console of the configured appliance, side by side until Ctrl-C.

An installed appliance has a service for each. Here both are children of this script: one key ends both, and
the end of one ends the other, for an appliance with half of its processes looks well and protects nothing.
"""
# ruff: noqa: INP001, T201 - a script, not part of a package; it prints

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from appliance.assembly import console_services, open_appliance
from appliance.cli.signals import StopFlag, stop_flag
from appliance.errors import ApplianceError
from appliance.settings import Settings, read_settings
from appliance.state import NotInitialisedError

KEEPLINE = Path(sys.executable).with_name("keepline")
LOOK_SECONDS = 0.2

SET_UP = f"""Once, in this order:

  {KEEPLINE} init FOLDER                    # a repository, in an empty folder or mount
  {KEEPLINE} vcenter add HOST --user USER   # asks for the password, shows the certificate
  {KEEPLINE} console password               # at least 12 characters, for the console's sign-in

Then make run again. To try it without a vCenter: make demo. Another place for what it remembers:
KEEPLINE_STATE_FOLDER; where VDDK is: KEEPLINE_VDDK_FOLDER (docs/operations.md)."""


def main() -> int:
    """Run both until told to stop; the exit status."""
    with stop_flag() as stop:
        try:
            prepare(read_settings())
        except NotInitialisedError as error:
            complain(f"{error}: nothing is set up yet. {SET_UP}")
            return error.exit_status
        except ApplianceError as error:
            complain(f"error: {error} ({error.code})\n  {error.remedy}")
            return error.exit_status
        return run_both(stop)


def prepare(settings: Settings) -> None:
    """See that there is an appliance, and that somebody can sign in; says what is missing.

    Raises:
        ApplianceError: there is no appliance, or it cannot be opened.
    """
    with open_appliance(settings) as appliance:
        services = console_services(appliance, settings)
        services.repositories.location()
        has_password = bool(services.access.stamp())
        if not services.vcenters.list():
            say("there is no vCenter yet: add one in the console's settings, or by `keepline vcenter add`")
    if not has_password and sys.stdin.isatty():
        say("nobody can sign in to the console yet: choose the password of its user admin")
        subprocess.run([KEEPLINE, "console", "password"], check=False)


def run_both(stop: StopFlag) -> int:
    """Engine and console until `stop`, or until one of them ends by itself, which is a failure."""
    parent = os.getppid()
    with ExitStack() as stack:
        parts = {name: stack.enter_context(started(name)) for name in ("engine", "console")}
        ended: list[str] = []
        while not (stop.is_set or ended or os.getppid() != parent):  # without a parent nobody can stop it
            time.sleep(LOOK_SECONDS)
            ended = [name for name, process in parts.items() if process.poll() is not None]
        for name in () if stop.is_set else ended:
            complain(f"the {name} has ended with status {parts[name].returncode}: ending the rest")
    failed = [name for name, process in parts.items() if process.returncode]
    return 1 if failed or not stop.is_set else 0


@contextmanager
def started(name: str) -> Iterator[subprocess.Popen[bytes]]:
    """One of Keepline's services; at the end it is asked to stop, and may take the time that it needs.

    The engine gives its snapshots back first, and vCenter is not always quick.
    """
    with subprocess.Popen([KEEPLINE, name]) as process:
        try:
            yield process
        finally:
            process.terminate()


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Tell what is wrong."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
