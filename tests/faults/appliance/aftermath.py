"""What must be true after the next command, whatever happened before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.model.identifiers import RecoveryPointId
from appliance.state import JournalStore, open_database
from keepline_lab.control_values import SnapshotState
from tests.simulated.appliance.installation import (
    MACHINE,
    Installation,
    contents_now,
    ours_left,
    users_of,
)
from tests.simulated.appliance.world import assert_same

Disks = dict[str, bytes]


@dataclass(slots=True)
class Ledger:
    """One machine of an appliance, and what each of its points must hold."""

    installation: Installation
    machine: str = MACHINE
    moments: dict[RecoveryPointId, Disks] = field(default_factory=dict)
    writes: int = 0

    def guest_writes(self) -> Disks:
        """The guest changes something; what its disks hold now."""
        self.writes += 1
        control = self.installation.lab.control
        for disk in control.machine(self.machine).disks:
            offset = self.writes * 77_824 % (disk.capacity // 2) // 512 * 512
            length = min(disk.capacity // 3, 300_032)
            control.write_random(self.machine, disk.key, offset, length, seed=self.writes)
        return contents_now(self.installation.lab, self.machine)

    def snapshots(self) -> list[SnapshotState]:
        """The snapshots of Keepline that the machine has now."""
        return [
            snapshot
            for snapshot in self.installation.lab.control.state().snapshots
            if '"purpose": "backup"' in snapshot.description
        ]

    def has_pending_point(self) -> bool:
        """Whether a run of the appliance has read everything and only has to commit."""
        return any(self.installation.settings.state_folder.glob("runs/*/pending-point.json"))

    def check(self) -> None:
        """Nothing is left anywhere, and every listed point has the bytes of its moment."""
        assert ours_left(self.installation.lab) == []
        assert users_of(self.installation.settings.state_folder) == []
        assert open_journal(self.installation) == []
        assert [path.name for path in self.installation.settings.state_folder.glob("runs/*")] == []
        drafts = self.installation.repository / "drafts"
        assert [path for path in drafts.rglob("*") if path.is_file()] == []
        self.check_points()

    def check_points(self) -> None:
        """Every listed point, and no other, has the bytes of its moment."""
        listing = self.installation.listing()
        assert listing.damaged == ()
        assert {listed.point.id for listed in listing.points} == set(self.moments)
        for point, disks in self.moments.items():
            assert_same(self.installation.disks_of(point), disks)


def open_journal(installation: Installation) -> list[str]:
    """What the journal says may still exist in vCenter."""
    with open_database(installation.settings.state_folder) as database:
        return [f"{entry.kind} {entry.marker}" for entry in JournalStore(database).open_entries()]
