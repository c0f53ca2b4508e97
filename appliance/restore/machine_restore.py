"""A point as a new machine: created with a mark, filled through VDDK, compared, then declared whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from appliance.errors import ApplianceError
from appliance.model.disk_tasks import RestoreVddkTask, TaskDocument, TaskResult
from appliance.model.documents import from_json, to_json
from appliance.model.identifiers import ManagedObjectId
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.requests import RestoreMachineRequest
from appliance.model.results import RestoredDisk, RestoreMachineResult
from appliance.model.runs import Run, RunOutcome, RunState
from appliance.model.virtual_machines import MachineConfiguration
from appliance.progress import ProgressSink
from appliance.restore.images import configuration_of, image_of, open_point, planned_folder
from appliance.run_context import EitherSignal, RunFolder, RunSession, Tools, for_each_disk, run_task
from appliance.state import JournalEntry, JournalKind
from appliance.vsphere import (
    CreatedDisk,
    CreatedMachine,
    CreationOptions,
    Placement,
    VcenterConnection,
    create_machine,
    creation_plan,
    declare_restored,
    delete_machine,
    machines_marked_by,
    power_on,
    upload_nvram,
)

_RESULT = "restored-machine.json"


class RestoreMachineHandler:
    """Implements the engine's `RunHandler` for restores to a new machine."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def execute(self, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        """Make the machine; on any failure nothing of it is left in vCenter.

        Raises:
            RunCancelledError: `cancelled` was set.
            ApplianceError: why there is no machine.
        """
        request = from_json(RestoreMachineRequest, run.request)
        folder = RunFolder.of(self._tools.settings, run.id)
        session = RunSession(run, self._tools, folder, progress, cancelled)
        progress.phase("plan")
        point = open_point(session, request.point)
        configuration = configuration_of(session, point)
        with self._tools.vcenters.connect(request.vcenter) as connection:
            result = _finished_before(session, connection)
            if result is None:
                result = _restore(session, connection, request, point, configuration)
            if request.power_on:
                progress.phase("power on")
                power_on(connection, result.machine)
        folder.remove()
        return RunOutcome(RunState.SUCCEEDED, to_json(result).decode())


def _restore(
    session: RunSession,
    connection: VcenterConnection,
    request: RestoreMachineRequest,
    point: RecoveryPoint,
    configuration: MachineConfiguration,
) -> RestoreMachineResult:
    with _created_machine(session, connection, request, point, configuration) as created:
        for warning in created.warnings:
            session.progress.message(warning, warning=True)
        if configuration.nvram is not None:
            upload_nvram(connection, created.moref, configuration.nvram)
        session.progress.phase("write")
        with session.held_access(connection, request.vcenter, created.moref):
            results = for_each_disk(
                session,
                created.disks,
                lambda disk, signal: _fill(session, connection, created.moref, point, disk, signal),
            )
        session.stop_if_cancelled()
        restored = RestoreMachineResult(
            point=point.id,
            machine=created.moref,
            name=created.name,
            disks=tuple(_restored(disk, result) for disk, result in zip(created.disks, results, strict=True)),
            warnings=created.warnings,
            powered_on=request.power_on,
        )
        session.folder.keep(_RESULT, to_json(restored))
        declare_restored(connection, created.moref)
    return restored


def _finished_before(session: RunSession, connection: VcenterConnection) -> RestoreMachineResult | None:
    """What an earlier attempt has declared whole and died before it could say so."""
    kept = session.folder.kept(_RESULT)
    if kept is None:
        return None
    restored = from_json(RestoreMachineResult, kept)
    for found in machines_marked_by(connection, session.mark.installation):
        if found.moref == restored.machine and found.mark == session.mark and not found.unfinished:
            return restored
    return None


@contextmanager
def _created_machine(
    session: RunSession,
    connection: VcenterConnection,
    request: RestoreMachineRequest,
    point: RecoveryPoint,
    configuration: MachineConfiguration,
) -> Iterator[CreatedMachine]:
    """The new machine, journalled before it is made; deleted again unless the body ends well."""
    keys = frozenset(image.disk.device_key for image in point.images)
    networks = dict(request.networks)
    plan = creation_plan(
        configuration.document,
        CreationOptions(request.name, device_keys=keys, connected_networks=frozenset(networks)),
    )
    placement = Placement(
        folder=request.folder,
        cluster=request.cluster,
        host=request.host,
        datastore=request.datastore,
        networks=networks,
    )
    journal, clock = session.tools.journal, session.tools.clock
    entry = JournalEntry(
        JournalKind.MACHINE, session.run.id, request.vcenter, ManagedObjectId(""), session.marker
    )
    number = journal.open(entry, clock.now())
    session.progress.phase("create")
    created = create_machine(connection, plan, placement, session.mark, needed=bytes_to_write(point))
    try:
        yield created
    except BaseException:
        if _is_deleted(session, connection, created):
            journal.close(number, clock.now())
        raise
    journal.close(number, clock.now())


def _is_deleted(session: RunSession, connection: VcenterConnection, created: CreatedMachine) -> bool:
    """Delete the unfinished machine; its journal entry stays where that fails."""
    try:
        delete_machine(connection, created.moref, session.mark)
    except ApplianceError as error:
        text = f"the unfinished machine {created.name} is still there: {error} ({error.code})"
        session.progress.message(f"{text}; the next start deletes it", warning=True)
        return False
    return True


def bytes_to_write(point: RecoveryPoint) -> int:
    """At most what a restore of the point allocates: every block its maps name, never more than the disks."""
    return sum(
        min(
            image.disk.capacity, image.block_size * sum(block_map.row_count for block_map in image.block_maps)
        )
        for image in point.images
    )


def _fill(
    session: RunSession,
    connection: VcenterConnection,
    machine: ManagedObjectId,
    point: RecoveryPoint,
    created: CreatedDisk,
    signal: EitherSignal,
) -> TaskResult:
    image = image_of(point, created.source_key)
    task = RestoreVddkTask(
        folder=str(planned_folder(session, point, image)),
        repository=session.tools.repository_location,
        access=session.access(connection, machine, None),
        disk_path=created.disk.backing,
        disk_label=image.disk.label,
        capacity=image.disk.capacity,
        block_size=image.block_size,
        target_is_zero=True,
        read_back_percent=session.tools.settings.read_back_percent,
        workers=session.tools.settings.workers,
        lock_file=session.lock_file(f"restore-{created.source_key}"),
    )
    return run_task(session, lambda _: TaskDocument(restore_vddk=task), signal)


def _restored(created: CreatedDisk, result: TaskResult) -> RestoredDisk:
    return RestoredDisk(
        label=created.disk.label,
        capacity=created.disk.capacity,
        written=result.written,
        read_back=result.read_back,
        transport_mode=result.transport_mode,
    )
