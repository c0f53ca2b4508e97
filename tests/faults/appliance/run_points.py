"""Ten points and more of a run at which its engine is killed, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.faults.appliance.breakpoints import Breakpoint, LibraryCall, VcenterCall


class Work(StrEnum):
    """What the engine is at."""

    BACKUP = "backup"
    RESTORE_MACHINE = "restore of a machine"
    RESTORE_DISK = "restore of a disk"


@dataclass(frozen=True, slots=True)
class RunPoint:
    """A point of a run: a call that does not come back, or a call to the store that is not made any more."""

    name: str
    work: Work
    moment: Breakpoint | None = None
    die_before: str = ""

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


ENGINE_POINTS = (
    RunPoint("the inventory is read for a policy", Work.BACKUP, VcenterCall("Login")),
    RunPoint("access is prepared", Work.BACKUP, LibraryCall("VixDiskLib_PrepareForAccess")),
    RunPoint("the snapshot is asked for", Work.BACKUP, VcenterCall("CreateSnapshot_Task")),
    RunPoint("changed areas are asked for", Work.BACKUP, VcenterCall("QueryChangedDiskAreas", 2)),
    RunPoint("a disk is opened", Work.BACKUP, LibraryCall("VixDiskLib_Open")),
    RunPoint("a disk is read", Work.BACKUP, LibraryCall("VixDiskLib_Read")),
    RunPoint("the snapshot is removed", Work.BACKUP, VcenterCall("RemoveSnapshot_Task")),
    RunPoint("access is ended", Work.BACKUP, LibraryCall("VixDiskLib_EndAccess")),
    RunPoint("the manifest is to be put", Work.BACKUP, die_before="put_new manifests/"),
    RunPoint("the point is there but the run goes on", Work.BACKUP, die_before="delete drafts/"),
    RunPoint("a machine is to be made", Work.RESTORE_MACHINE, VcenterCall("CreateVM_Task")),
    RunPoint("a made machine is written", Work.RESTORE_MACHINE, LibraryCall("VixDiskLib_Write")),
    RunPoint("a made machine is declared whole", Work.RESTORE_MACHINE, VcenterCall("ReconfigVM_Task")),
    RunPoint("a file is to be written", Work.RESTORE_DISK, die_before="read manifests/"),
)
TAKE_OVER_POINTS = (ENGINE_POINTS[2], ENGINE_POINTS[5], ENGINE_POINTS[8])
"""Before the snapshot, while disks are read, and when all is read but nothing is to be seen yet."""
