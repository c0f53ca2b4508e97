"""VMware vCenter as Keepline uses it: the only package that knows pyVmomi and vSphere's own words.

Start with `connect`; every other function takes the connection first. Foreign faults leave this package
only as the errors of `appliance.vsphere.errors`.
"""

from appliance.vsphere.certificates import PresentedCertificate, VcenterAddress, presented_certificate
from appliance.vsphere.changed_blocks import (
    TrackingOutcome,
    TrackingState,
    allocated_areas_by_tracking,
    changed_areas,
    disable_tracking,
    ensure_tracking,
)
from appliance.vsphere.configuration import read_configuration
from appliance.vsphere.connection import VcenterConnection, connect
from appliance.vsphere.creation_plan import (
    CreationOptions,
    CreationPlan,
    PlannedDisk,
    creation_plan,
)
from appliance.vsphere.documents import CapturedPlace
from appliance.vsphere.events import MachineHistory, history_since
from appliance.vsphere.inventory import (
    find_machine,
    list_machines,
    machine_by_identity,
    machine_by_moref,
    missing_folders,
)
from appliance.vsphere.inventory_paths import matching_paths
from appliance.vsphere.machine_creation import CreatedDisk, CreatedMachine, create_machine
from appliance.vsphere.marks import Mark
from appliance.vsphere.placement import Placement
from appliance.vsphere.quiescing import Quiesce
from appliance.vsphere.snapshot_tree import (
    MarkedSnapshot,
    SnapshotFacts,
    snapshot_facts,
    snapshots_marked_by,
)
from appliance.vsphere.snapshots import create_snapshot, remove_snapshot, snapshot_of
from appliance.vsphere.tags import AttachedTags, attached_tags
from appliance.vsphere.target_places import target_places
from appliance.vsphere.virtual_machines import (
    MarkedMachine,
    declare_restored,
    delete_machine,
    machines_marked_by,
    power_on,
    upload_nvram,
)

__all__ = [
    "AttachedTags",
    "CapturedPlace",
    "CreatedDisk",
    "CreatedMachine",
    "CreationOptions",
    "CreationPlan",
    "MachineHistory",
    "Mark",
    "MarkedMachine",
    "MarkedSnapshot",
    "Placement",
    "PlannedDisk",
    "PresentedCertificate",
    "Quiesce",
    "SnapshotFacts",
    "TrackingOutcome",
    "TrackingState",
    "VcenterAddress",
    "VcenterConnection",
    "allocated_areas_by_tracking",
    "attached_tags",
    "changed_areas",
    "connect",
    "create_machine",
    "create_snapshot",
    "creation_plan",
    "declare_restored",
    "delete_machine",
    "disable_tracking",
    "ensure_tracking",
    "find_machine",
    "history_since",
    "list_machines",
    "machine_by_identity",
    "machine_by_moref",
    "machines_marked_by",
    "matching_paths",
    "missing_folders",
    "power_on",
    "presented_certificate",
    "read_configuration",
    "remove_snapshot",
    "snapshot_facts",
    "snapshot_of",
    "snapshots_marked_by",
    "target_places",
    "upload_nvram",
]
