"""The tasks without a disk: hold vCenter's access to a machine, and clean up after a crash."""

from __future__ import annotations

from appliance.data_path.tally import TaskTally
from appliance.model.disk_tasks import CleanupTask, HoldAccessTask, TaskMessage, TaskReady, TaskResult
from appliance.model.recovery_points import DiskStatistics
from appliance.mover.session import Session
from appliance.transport.vddk import CallWatchdog, clean_up, end_access, hold_access, running_vddk


def hold_machine(task: HoldAccessTask, session: Session) -> TaskResult:
    """Keep vCenter from moving the machine's storage until the engine says `release` or is gone.

    Raises:
        DiskTransportError: VDDK cannot be used, or vCenter did not take the access back.
    """
    with running_vddk(task.access) as library:
        warning = hold_access(library, task.access, task.identity, session.clock)
        session.channel.send(TaskMessage(ready=TaskReady(warning)))
        session.channel.released.wait()
        if warning is None:
            limit = task.access.call_limit_seconds
            with (
                CallWatchdog(session.clock, limit, session.fail_and_end) as watchdog,
                watchdog.watching(f"end of access to {task.access.machine}"),
            ):
                end_access(library, task.access, task.identity)
    return TaskResult(DiskStatistics(), peak_anonymous_memory=session.memory.sample())


def clean_up_after_crash(task: CleanupTask, session: Session) -> TaskResult:
    """Release what dead movers with the same temporary folder left behind, then access held by `identity`.

    Raises:
        DiskTransportError: VDDK cannot be used or refused.
    """
    label = f"clean-up at {task.access.server}"
    with session.reporting(TaskTally(label)), running_vddk(task.access) as library:
        limit = task.access.call_limit_seconds
        with (
            CallWatchdog(session.clock, limit, session.fail_and_end) as watchdog,
            watchdog.watching(label),
        ):
            session.log(clean_up(library, task.access))
            if task.identity is not None:
                end_access(library, task.access, task.identity)
    return TaskResult(DiskStatistics(), peak_anonymous_memory=session.memory.sample())
