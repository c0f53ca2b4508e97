"""From the first line of standard input to the last line of standard output."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

from appliance.clock import SystemClock
from appliance.errors import ApplianceError
from appliance.model.disk_tasks import (
    BackupDiskTask,
    CleanupTask,
    HoldAccessTask,
    RestoreFileTask,
    RestoreVddkTask,
    Task,
    TaskMessage,
    TaskResult,
)
from appliance.mover.channel import Channel
from appliance.mover.hardening import bound_heap, harden_process
from appliance.mover.lock import held_lock
from appliance.mover.session import ChannelHandler, Session, failure_of


def main() -> int:
    """Run the one task that standard input holds; the exit status, which repeats what the last line said."""
    harden_process()
    bound_heap()
    channel = Channel()
    task = channel.receive_task().task
    if isinstance(task, HoldAccessTask):
        channel.release_at_end_of_input()
    else:
        channel.end_with_input()
    logger = logging.getLogger("appliance")
    logger.setLevel(logging.INFO)
    logger.addHandler(ChannelHandler(channel))
    return _report(task, Session(channel, SystemClock()))


def _report(task: Task, session: Session) -> int:
    try:
        with held_lock(Path(task.lock_file)):
            result = _perform(task, session)
            session.channel.send(TaskMessage(result=result))
    except ApplianceError as error:
        failure = failure_of(error)
    except Exception as error:  # noqa: BLE001 - the process' last handler: the engine must learn of a defect
        traceback.print_exc()
        failure = failure_of(ApplianceError(f"{type(error).__name__}: {error}"))
    else:
        return 0
    session.channel.send(TaskMessage(failure=failure))
    return failure.exit_status


def _perform(task: Task, session: Session) -> TaskResult:
    """Each kind of task loads what it needs and nothing else: not all of it fits beside VDDK."""
    if isinstance(task, BackupDiskTask):
        from appliance.mover.backup_disk import back_up_disk  # noqa: PLC0415

        return back_up_disk(task, session)
    if isinstance(task, HoldAccessTask | CleanupTask):
        return _perform_without_disk(task, session)
    from appliance.mover import restore_disk  # noqa: PLC0415

    if isinstance(task, RestoreFileTask):
        return restore_disk.restore_to_file(task, session)
    if isinstance(task, RestoreVddkTask):
        return restore_disk.restore_to_disk(task, session)
    return restore_disk.verify_image(task, session)


def _perform_without_disk(task: HoldAccessTask | CleanupTask, session: Session) -> TaskResult:
    from appliance.mover.machine_access import clean_up_after_crash, hold_machine  # noqa: PLC0415

    if isinstance(task, HoldAccessTask):
        return hold_machine(task, session)
    return clean_up_after_crash(task, session)
