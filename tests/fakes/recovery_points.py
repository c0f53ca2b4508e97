"""Recovery points as small as a test of capture's pure parts needs them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.model.change_tracking import ChangeId, ReadScope, ScopeReason
from appliance.model.identifiers import InstallationId, RecoveryPointId, RepositoryId
from appliance.model.recovery_points import (
    Consistency,
    DiskImage,
    DiskStatistics,
    ObjectReference,
    RecoveryPoint,
)
from appliance.model.units import GIB
from appliance.model.virtual_machines import MachineIdentity, VirtualDisk


def disk(device_key: int = 2000, backing_uuid: str = "6000C29A-01") -> VirtualDisk:
    return VirtualDisk(device_key, "Hard disk 1", GIB, "[s] a/a.vmdk", backing_uuid, ChangeId("52 aa", 1))


def image(of: VirtualDisk, scope: ReadScope = ReadScope.CHANGED) -> DiskImage:
    return DiskImage(of, 262144, (), scope, ScopeReason.TRACKING_VALID, DiskStatistics(), "nbdssl")


def point(number: int, *images: DiskImage) -> RecoveryPoint:
    return RecoveryPoint(
        id=RecoveryPointId(f"point-{number:03}"),
        repository=RepositoryId("r"),
        installation=InstallationId("i"),
        machine=MachineIdentity("v", "m"),
        machine_name="web",
        machine_path="/dc/vm/web",
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number),
        consistency=Consistency.CRASH,
        images=images,
        excluded_disks=(),
        configuration=ObjectReference("c", 0, ""),
        vmx=None,
        nvram=None,
        software="test",
    )
