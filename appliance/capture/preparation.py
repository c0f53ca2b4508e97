"""Before the snapshot: is this a machine to back up, and can its changes be tracked?"""

from __future__ import annotations

from pathlib import Path

from appliance.capture.errors import MachineNotCapturableError
from appliance.model.requests import BackupRequest
from appliance.model.virtual_machines import VirtualMachine
from appliance.run_context import RunSession
from appliance.state import JournalEntry, JournalKind
from appliance.vsphere import (
    VcenterConnection,
    ensure_tracking,
    machine_by_identity,
    remove_snapshot,
    snapshots_marked_by,
)

OWN_UUID_FILE = Path("/sys/class/dmi/id/product_uuid")


def prepare_machine(
    session: RunSession, connection: VcenterConnection, request: BackupRequest
) -> VirtualMachine:
    """The machine, ready for its snapshot: nothing of ours left on it, change tracking on if it may be.

    Raises:
        DuplicateInstallationError: another appliance acts under this one's marks.
        MachineNotFoundError: it is gone.
        MachineNotCapturableError: it is no machine to back up.
    """
    session.tools.sole_engine.confirm()
    machine = machine_by_identity(connection, request.identity)
    refuse_uncapturable(machine, own_bios_uuid(OWN_UUID_FILE))
    if machine.snapshot_count and session.run.attempt <= 1:
        machine = _without_leftovers(session, connection, machine)
    session.stop_if_cancelled()
    _track(session, connection, request, machine)
    return machine_by_identity(connection, request.identity)


def refuse_uncapturable(machine: VirtualMachine, own_uuid: str) -> None:
    """Refuse what has no point worth having (rule 15).

    Raises:
        MachineNotCapturableError: with the reason.
    """
    reasons = {
        "it is a template": machine.is_template,
        "its host is not connected to vCenter": not machine.connected,
        "it is the appliance itself": bool(own_uuid) and machine.bios_uuid.lower() == own_uuid,
        "it is an agent machine of vSphere Cluster Services": machine.is_cluster_agent,
    }
    for reason, holds in reasons.items():
        if holds:
            raise MachineNotCapturableError(machine.name, reason)


def own_bios_uuid(file: Path) -> str:
    """The BIOS UUID of the machine this runs on, in lower case; empty where it cannot be read."""
    try:
        return file.read_text().strip().lower()
    except OSError:
        return ""


def _without_leftovers(
    session: RunSession, connection: VcenterConnection, machine: VirtualMachine
) -> VirtualMachine:
    """The machine without snapshots that earlier runs of this installation have left on it (rule 9).

    Nobody else can be using them: at most one run is active per machine.
    """
    for found in snapshots_marked_by(connection, session.mark.installation):
        if found.machine == machine.moref and found.mark != session.mark:
            remove_snapshot(connection, machine.moref, found.snapshot)
            session.progress.message(f"removed snapshot {found.snapshot} left by run {found.mark.run}")
    return machine_by_identity(connection, machine.identity)


def _track(
    session: RunSession, connection: VcenterConnection, request: BackupRequest, machine: VirtualMachine
) -> None:
    # Turning tracking on takes a snapshot of its own on a running machine: announced like any other.
    journal, clock = session.tools.journal, session.tools.clock
    entry = JournalEntry(JournalKind.SNAPSHOT, session.run.id, request.vcenter, machine.moref, session.marker)
    number = journal.open(entry, clock.now())
    outcome = ensure_tracking(connection, machine, session.mark)
    journal.close(number, clock.now())
    if not outcome.in_effect:
        text = f"no change tracking ({outcome.state}): {outcome.reason}; the disks are read in full"
        session.progress.message(text, warning=True)
