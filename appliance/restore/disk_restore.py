"""One disk of a point as a new file."""

from __future__ import annotations

import threading

from appliance.model.disk_tasks import RestoreFileTask, TaskDocument
from appliance.model.documents import from_json, to_json
from appliance.model.requests import RestoreDiskRequest
from appliance.model.results import RestoreDiskResult
from appliance.model.runs import Run, RunOutcome, RunState
from appliance.progress import ProgressSink
from appliance.restore.images import image_of, open_point, planned_folder
from appliance.run_context import EitherSignal, RunFolder, RunSession, Tools, run_task


class RestoreDiskHandler:
    """Implements the engine's `RunHandler` for restores to a file."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def execute(self, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        """Write the file; it exists under its name only when every block has been compared and written.

        Raises:
            RunCancelledError: `cancelled` was set.
            ApplianceError: why there is no file.
        """
        request = from_json(RestoreDiskRequest, run.request)
        folder = RunFolder.of(self._tools.settings, run.id)
        session = RunSession(run, self._tools, folder, progress, cancelled)
        progress.phase("plan")
        point = open_point(session, request.point)
        image = image_of(point, request.device_key)
        task = RestoreFileTask(
            folder=str(planned_folder(session, point, image)),
            repository=self._tools.repository_location,
            target=request.target,
            target_format=request.target_format,
            capacity=image.disk.capacity,
            block_size=image.block_size,
            disk_label=image.disk.label,
            workers=self._tools.settings.workers,
            lock_file=session.lock_file("restore"),
        )
        progress.phase("write")
        signal = EitherSignal(cancelled, threading.Event())
        written = run_task(session, lambda _: TaskDocument(restore_file=task), signal)
        folder.remove()
        result = RestoreDiskResult(
            point.id, image.disk.label, request.target, image.disk.capacity, written.written
        )
        return RunOutcome(RunState.SUCCEEDED, to_json(result).decode())
