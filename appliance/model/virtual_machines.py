"""vSphere machines and disks, as far as Keepline needs them; no vSphere library in sight."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.model.change_tracking import ChangeId
from appliance.model.identifiers import ManagedObjectId


class PowerState(StrEnum):
    """As vCenter names it."""

    ON = "poweredOn"
    OFF = "poweredOff"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class MachineIdentity:
    """Which machine this is, for as long as it lives: instance UUIDs, not the moref, which changes."""

    vcenter_instance_uuid: str
    instance_uuid: str

    @property
    def key(self) -> str:
        """The identity as one word for object keys and file names."""
        return f"{self.vcenter_instance_uuid}.{self.instance_uuid}".lower()


class ExclusionReason(StrEnum):
    """Why a disk cannot be part of a snapshot, and so not of a recovery point."""

    INDEPENDENT = "independent"
    PHYSICAL_RAW_DEVICE = "physical-raw-device-mapping"
    MULTI_WRITER = "multi-writer"
    UNKNOWN_BACKING = "unknown-backing"


@dataclass(frozen=True, slots=True)
class VirtualDisk:
    """One disk as seen in one snapshot (or, before a run, in the machine's configuration).

    `change_id` is only ever read from a snapshot's configuration: the running machine's lags behind.
    `backing` is the datastore path to open, `[datastore] folder/disk.vmdk`.
    """

    device_key: int
    label: str
    capacity: int
    backing: str
    backing_uuid: str
    change_id: ChangeId | None = None
    exclusion: ExclusionReason | None = None


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """One line of the inventory; `cluster` is an inventory path, empty for a host that is in none."""

    moref: ManagedObjectId
    identity: MachineIdentity
    bios_uuid: str
    name: str
    path: str
    power_state: PowerState
    host: str
    is_template: bool
    change_tracking_enabled: bool
    change_tracking_supported: bool
    snapshot_count: int
    disks: tuple[VirtualDisk, ...]
    consolidation_needed: bool = False
    connected: bool = True
    cluster: str = ""

    @property
    def is_cluster_agent(self) -> bool:
        """Whether vSphere Cluster Services made it, and will make it anew.

        They name theirs `vCLS-<uuid>`, before vSphere 7.0 Update 3 `vCLS (1)`.
        """
        return self.name.startswith(("vCLS-", "vCLS "))


@dataclass(frozen=True, slots=True)
class MachineConfiguration:
    """All of a machine that is not the content of its disks.

    `document` is JSON text: `format`, `captured_from` (where the machine was, by names) and `config` (the
    snapshot's `vim.vm.ConfigInfo`). `vmx` and `nvram` are the files' bytes where the machine has them.
    """

    document: str
    vmx: bytes | None = None
    nvram: bytes | None = None
