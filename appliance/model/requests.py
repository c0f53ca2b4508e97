"""What each kind of run is asked to do: the JSON documents in the run table's `request` column."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import ManagedObjectId, RecoveryPointId
from appliance.model.virtual_machines import MachineIdentity


@dataclass(frozen=True, slots=True)
class BackupRequest:
    """Back up one machine; `accepted_disks` are labels of disks whose absence is no gap.

    `machine` is where the machine was when it was asked for; `identity` says which one it is. `full`
    asks for a safe full: everything is read, what differs from the parent is stored.
    """

    vcenter: str
    machine: ManagedObjectId
    identity: MachineIdentity
    accepted_disks: tuple[str, ...] = ()
    full: bool = False


@dataclass(frozen=True, slots=True)
class RestoreDiskRequest:
    """Write one disk of a point, named by its device key there, to a new file (an absolute path)."""

    point: RecoveryPointId
    device_key: int
    target: str
    target_format: TargetFormat = TargetFormat.RAW


@dataclass(frozen=True, slots=True)
class RestoreMachineRequest:
    """Make a new machine from a point; names are vCenter's, None means "as the machine had it".

    `networks` pairs a network's name in the point with the one to connect to; cards of others stay
    disconnected.
    """

    point: RecoveryPointId
    vcenter: str
    name: str
    datastore: str | None = None
    folder: str | None = None
    cluster: str | None = None
    host: str | None = None
    networks: tuple[tuple[str, str], ...] = ()
    power_on: bool = False


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Read every block of one point and compare its digest."""

    point: RecoveryPointId


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Look at every object that the repository's manifests name; with `read_data`, read all of them."""

    read_data: bool = False
