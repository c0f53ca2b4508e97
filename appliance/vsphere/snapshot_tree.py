"""Which snapshots there are, whose they are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pyVmomi import vim

from appliance.model.identifiers import InstallationId, ManagedObjectId
from appliance.model.recovery_points import Consistency
from appliance.model.virtual_machines import VirtualDisk
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.disks import virtual_disks
from appliance.vsphere.errors import ObjectGoneError
from appliance.vsphere.faults import translated
from appliance.vsphere.marks import Mark, SnapshotMark, read_description
from appliance.vsphere.properties import all_of_kind, moref_of, properties_of


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """One snapshot as vCenter keeps it.

    `disks` come from the snapshot's own configuration: backing paths to open, capacities and change ids;
    disks that no snapshot can hold carry their exclusion reason. `created_at` is vCenter's time.
    `notes` are what the operator must know (a quiesced attempt that failed).
    """

    moref: ManagedObjectId
    machine: ManagedObjectId
    created_at: datetime
    disks: tuple[VirtualDisk, ...]
    consistency: Consistency
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkedSnapshot:
    """A snapshot that carries a mark of ours."""

    snapshot: ManagedObjectId
    machine: ManagedObjectId
    machine_name: str
    mark: Mark
    created_at: datetime


def snapshots_marked_by(connection: VcenterConnection, installation: InstallationId) -> list[MarkedSnapshot]:
    """Every snapshot this installation has left, on whatever machine."""
    with translated("looking for snapshots of Keepline"):
        machines = all_of_kind(connection, vim.VirtualMachine, "name", "snapshot")
    marked = []
    for machine, properties in machines.items():
        for node in _nodes(properties.get("snapshot")):
            mark = read_description(node.description)
            if mark is not None and mark.mark.installation == installation:
                marked.append(
                    MarkedSnapshot(
                        moref_of(node.snapshot),
                        ManagedObjectId(machine),
                        str(properties["name"]),
                        mark.mark,
                        node.createTime.astimezone(UTC),
                    )
                )
    return marked


def snapshot_facts(
    connection: VcenterConnection, machine: ManagedObjectId, snapshot: ManagedObjectId
) -> SnapshotFacts | None:
    """The facts of a snapshot that may still exist, for a resumed run; None when it is gone."""
    try:
        with translated(f"reading {snapshot} of {machine}"):
            nodes = nodes_of(connection, machine)
            node = next((node for node in nodes if moref_of(node.snapshot) == snapshot), None)
            return facts_of_node(connection, machine, node, ()) if node is not None else None
    except ObjectGoneError:
        return None


def facts_of_node(
    connection: VcenterConnection, machine: ManagedObjectId, node: vim.vm.SnapshotTree, notes: tuple[str, ...]
) -> SnapshotFacts:
    """The facts of the snapshot at this node of the tree."""
    with translated(f"reading the disks of {moref_of(node.snapshot)} of {machine}"):
        properties = properties_of(connection, node.snapshot, "config.hardware.device")
    mark = read_description(node.description)
    return SnapshotFacts(
        moref=moref_of(node.snapshot),
        machine=machine,
        created_at=node.createTime.astimezone(UTC),
        disks=virtual_disks(properties.get("config.hardware.device", ())),
        consistency=mark.consistency if mark is not None else Consistency.CRASH,
        notes=notes,
    )


def find_marked(
    connection: VcenterConnection, machine: ManagedObjectId, wanted: SnapshotMark
) -> vim.vm.SnapshotTree | None:
    """The node of the snapshot with this mark and purpose, if there is one."""
    for node in nodes_of(connection, machine):
        found = read_description(node.description)
        if found is not None and (found.mark, found.purpose) == (wanted.mark, wanted.purpose):
            return node
    return None


def nodes_of(connection: VcenterConnection, machine: ManagedObjectId) -> Iterator[vim.vm.SnapshotTree]:
    """Every node of a machine's tree of snapshots."""
    reference = connection.object_of(vim.VirtualMachine, machine)
    # The name is asked for too: it is always set, so an answer without a snapshot is still an answer.
    return _nodes(properties_of(connection, reference, "name", "snapshot").get("snapshot"))


def _nodes(tree: vim.vm.SnapshotInfo | None) -> Iterator[vim.vm.SnapshotTree]:
    waiting = list(tree.rootSnapshotList) if tree is not None else []
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.childSnapshotList)
