"""One machine, from snapshot to recovery point."""

from __future__ import annotations

import threading

from appliance.capture.disk_backup import SharedInputs, read_disks
from appliance.capture.disk_plans import Snapshotted, excluded_disks, plan_disks
from appliance.capture.leasing import renewed_lease
from appliance.capture.pending import PendingDisk, PendingPoint, keep_pending, kept_pending
from appliance.capture.preparation import prepare_machine
from appliance.capture.publication import publish, tidy_up
from appliance.capture.snapshotting import journalled_snapshot
from appliance.errors import ApplianceError
from appliance.model.documents import from_json, to_json
from appliance.model.requests import BackupRequest
from appliance.model.runs import Run, RunOutcome, RunState
from appliance.model.virtual_machines import MachineConfiguration
from appliance.progress import ProgressSink
from appliance.repository.point_draft import PointDraft
from appliance.run_context import RunFolder, RunSession, Tools
from appliance.vsphere import VcenterConnection, read_configuration


class BackupHandler:
    """Implements the engine's `RunHandler` for backups."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def execute(self, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        """Back up one machine; an attempt takes up what an earlier one has made durable.

        Raises:
            RunCancelledError: `cancelled` was set; nothing is left in vCenter.
            ApplianceError: why there is no new point, or what is left in vCenter although there is one;
                earlier points are as they were.
        """
        request = from_json(BackupRequest, run.request)
        folder = RunFolder.of(self._tools.settings, run.id)
        session = RunSession(run, self._tools, folder, progress, cancelled)
        with renewed_lease(self._tools, self._tools.settings.installation, run.id) as lease:
            pending, trouble = kept_pending(folder), None
            if pending is None:
                pending, trouble = self._captured(session, request, lease.key)
            progress.phase("commit")
            result = publish(session, pending, lease)
        if trouble is not None:
            progress.message(f"point {result.point} is whole, but something is left in vCenter", warning=True)
            raise trouble  # loud, and its journal entry stays open: the next start takes away what is left
        tidy_up(session)
        gaps = any(not gap.accepted for gap in result.gaps)
        state = RunState.COMPLETED_WITH_GAPS if gaps else RunState.SUCCEEDED
        return RunOutcome(state, to_json(result).decode())

    def _captured(
        self, session: RunSession, request: BackupRequest, lease_key: str
    ) -> tuple[PendingPoint, ApplianceError | None]:
        """What was read, with the error of letting go of the machine: that costs no point (rule 4)."""
        try:
            with self._tools.vcenters.connect(request.vcenter) as connection:
                return capture_machine(session, connection, request, lease_key), None
        except ApplianceError as error:
            pending = kept_pending(session.folder)
            if pending is None:
                raise
            return pending, error


def capture_machine(
    session: RunSession, connection: VcenterConnection, request: BackupRequest, lease_key: str
) -> PendingPoint:
    """Read every disk of the machine into a durable draft; however this ends, no snapshot is left."""
    progress, clock = session.progress, session.tools.clock
    progress.phase("prepare")
    machine = prepare_machine(session, connection, request)
    with session.held_access(connection, request.vcenter, machine.moref):
        progress.phase("snapshot")
        with journalled_snapshot(session, connection, request, machine) as snapshot:
            session.stop_if_cancelled()
            taken_at = clock.elapsed_seconds()
            subject = Snapshotted(connection, machine, snapshot)
            configuration = read_configuration(connection, machine, snapshot, progress=progress)
            inputs = SharedInputs.gather(session, machine, lease_key)
            plans = plan_disks(subject, inputs.points, request, session)
            progress.phase("read")
            disks = read_disks(session, subject, plans, inputs)
            seconds = round(clock.elapsed_seconds() - taken_at, 3)
            draft = _point_draft(session, subject, request, configuration, disks)
            pending = PendingPoint(draft, tuple(disks), seconds)
            keep_pending(session.folder, pending)
            progress.phase("remove snapshot")
    return pending


def _point_draft(
    session: RunSession,
    subject: Snapshotted,
    request: BackupRequest,
    configuration: MachineConfiguration,
    disks: list[PendingDisk],
) -> PointDraft:
    machine, snapshot = subject.machine, subject.snapshot
    return PointDraft(
        run=session.run.id,
        installation=session.tools.settings.installation,
        machine=machine.identity,
        machine_name=machine.name,
        machine_path=machine.path,
        created_at=snapshot.created_at,
        consistency=snapshot.consistency,
        disks=tuple(disk.captured for disk in disks),
        excluded_disks=excluded_disks(snapshot.disks, request),
        configuration=configuration,
        software=session.tools.software,
    )
