"""Waiting for vCenter's tasks."""

from __future__ import annotations

from collections.abc import Callable

from pyVmomi import vim, vmodl

from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.errors import TaskCancelledError, TaskTimedOutError
from appliance.vsphere.faults import translated
from appliance.vsphere.properties import Properties, properties_of

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
TASK_LIMIT_SECONDS = 3600.0


def _never() -> bool:
    return False


def _silent(percent: int) -> None:
    """Drop it."""


def wait_for_task(
    connection: VcenterConnection,
    task: vim.Task,
    doing: str,
    *,
    limit_seconds: float = TASK_LIMIT_SECONDS,
    cancelled: Callable[[], bool] = _never,
    progress: Callable[[int], None] = _silent,
) -> object:
    """The result of a task that ended well.

    Only single properties are read, by paths: `task.info` as a whole names an entity that may be gone.
    Asking again and again, instead of waiting for updates, needs no filter and so outlives a session.

    Raises:
        TaskTimedOutError: it has not ended after `limit_seconds`; it may still be running.
        TaskCancelledError: `cancelled` became true; vCenter was asked to cancel it.
        vmodl.MethodFault: the task failed; the caller translates.
    """
    started = connection.clock.elapsed_seconds()
    pause = FIRST_PAUSE_SECONDS
    while True:
        with translated(f"{doing}: looking at the task"):
            state = properties_of(
                connection, task, "info.state", "info.error", "info.result", "info.progress"
            )
        if state["info.state"] == vim.TaskInfo.State.success:
            return state.get("info.result")
        if state["info.state"] == vim.TaskInfo.State.error:
            raise _failure(state)
        progress(int(state.get("info.progress") or 0))
        if cancelled():
            _cancel(task)
            raise TaskCancelledError(f"{doing}: cancelled")
        if connection.clock.elapsed_seconds() - started >= limit_seconds:
            raise TaskTimedOutError(f"{doing}: the task has not ended after {limit_seconds:.0f} seconds")
        connection.clock.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _failure(state: Properties) -> vmodl.MethodFault:
    fault = state.get("info.error")
    if isinstance(fault, vmodl.MethodFault):
        return fault
    return vmodl.fault.SystemError(reason="the task failed without saying why")


def _cancel(task: vim.Task) -> None:
    try:
        task.CancelTask()
    except vmodl.MethodFault:
        return  # it has ended meanwhile, or cannot be cancelled: the caller stops waiting either way
