"""Reading points back without writing them anywhere: every block's digest is compared."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from appliance.model.disk_tasks import TaskDocument, VerifyImageTask
from appliance.model.documents import from_json, to_json
from appliance.model.recovery_points import DiskImage, RecoveryPoint
from appliance.model.requests import CheckRequest, VerifyRequest
from appliance.model.results import DamagedDisk, VerifyResult
from appliance.model.runs import Run, RunOutcome, RunState
from appliance.progress import ProgressSink
from appliance.repository.points import list_points
from appliance.repository.verification import iter_findings
from appliance.restore.errors import DamagedBlocksError
from appliance.restore.images import open_point, planned_folder
from appliance.run_context import EitherSignal, RunFolder, RunSession, Tools, run_task

_NAMED_BLOCKS = 8


class VerifyHandler:
    """Implements the engine's `RunHandler` for the verification of one point."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def execute(self, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        """Read every block of the point.

        Raises:
            DamagedBlocksError: some cannot be read back; the message names them.
            ApplianceError: why the point could not be read at all.
        """
        request = from_json(VerifyRequest, run.request)
        session = _session(self._tools, run, progress, cancelled)
        result = read_points(session, [open_point(session, request.point)])
        session.folder.remove()
        return _outcome(result)


class CheckHandler:
    """Implements the engine's `RunHandler` for the check of the whole repository."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def execute(self, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        """Look at every object that a manifest names, and read them all where that is asked for.

        Raises:
            DamagedBlocksError: something is missing or damaged; the message names machine, disk and point.
        """
        request = from_json(CheckRequest, run.request)
        session = _session(self._tools, run, progress, cancelled)
        progress.phase("structure")
        findings = tuple(str(finding) for finding in iter_findings(self._tools.repository))
        for finding in findings:
            progress.message(finding, warning=True)
        points = [listed.point for listed in list_points(self._tools.repository).points]
        result = VerifyResult(len(points), sum(len(point.images) for point in points), 0, (), findings)
        if request.read_data:
            read = read_points(session, points)
            result = VerifyResult(read.points, read.disks, read.read, read.damaged, findings)
        session.folder.remove()
        return _outcome(result)


def read_points(session: RunSession, points: Iterable[RecoveryPoint]) -> VerifyResult:
    """Read every block of every disk of `points`, one disk after the other."""
    session.progress.phase("read")
    count = disks = read = 0
    damaged: list[DamagedDisk] = []
    for point in points:
        count += 1
        for image in point.images:
            session.stop_if_cancelled()
            disks += 1
            found, length = _read_image(session, point, image)
            read += length
            if found:
                damaged.append(DamagedDisk(point.id, point.machine_name, image.disk.label, found))
    return VerifyResult(count, disks, read, tuple(damaged))


def _read_image(session: RunSession, point: RecoveryPoint, image: DiskImage) -> tuple[tuple[int, ...], int]:
    folder = planned_folder(session, point, image)
    task = VerifyImageTask(
        folder=str(folder),
        repository=session.tools.repository_location,
        capacity=image.disk.capacity,
        block_size=image.block_size,
        disk_label=image.disk.label,
        workers=session.tools.settings.workers,
        lock_file=session.lock_file("verify"),
    )
    signal = EitherSignal(session.cancelled, threading.Event())
    result = run_task(session, lambda _: TaskDocument(verify_image=task), signal)
    return result.damaged_blocks, result.statistics.read


def _session(tools: Tools, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunSession:
    return RunSession(run, tools, RunFolder.of(tools.settings, run.id), progress, cancelled)


def _outcome(result: VerifyResult) -> RunOutcome:
    if not result.damaged and not result.findings:
        return RunOutcome(RunState.SUCCEEDED, to_json(result).decode())
    lines = [*result.findings, *(_describe(disk) for disk in result.damaged)]
    raise DamagedBlocksError("; ".join(lines))


def _describe(disk: DamagedDisk) -> str:
    named = ", ".join(str(block) for block in disk.blocks[:_NAMED_BLOCKS])
    unnamed = len(disk.blocks) - _NAMED_BLOCKS
    more = f" and {unnamed} more" if unnamed > 0 else ""
    return f"{disk.machine} / {disk.disk} at point {disk.point}: damaged blocks {named}{more}"
