"""From drafts to a visible point that tells on the points before it, however often it is begun."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.capture.pending import PendingDisk, PendingPoint
from appliance.capture.publication import publish, tidy_up
from appliance.model.change_tracking import ReadScope, ScopeReason
from appliance.model.disk_tasks import TaskResult
from appliance.model.extents import Extent
from appliance.model.recovery_points import BlockRange, DiskStatistics
from appliance.model.results import BackupResult
from appliance.repository.leases import take_lease
from appliance.repository.point_draft import CapturedDisk
from appliance.repository.points import find_parent, list_points
from appliance.repository.repository import open_repository
from appliance.run_context import RunSession
from appliance.storage import ObjectStore, StoreFailureError
from tests.fakes.backups import (
    BLOCK_SIZE,
    INSTALLATION,
    MACHINE,
    MOMENT,
    DiskChange,
    back_up,
    block_of,
    disk_of,
    point_draft,
    run_id,
    write_draft,
)
from tests.fakes.movers import ScriptedMovers
from tests.fakes.object_stores import Crash, Fault, FaultyObjectStore, MemoryObjectStore
from tests.fakes.run_sessions import HeardProgress, run_session

DISK = disk_of(8 * BLOCK_SIZE)
TRUE = {number: block_of(number + 1) for number in range(8)}
LIED_ABOUT = {2, 5}
TRACKED = (Extent(5 * BLOCK_SIZE, 512),)


@dataclass(frozen=True, slots=True)
class ReadCompletely:
    """A run that has read a disk whose newest point holds two wrong blocks; tracking named one of them."""

    session: RunSession
    store: MemoryObjectStore
    pending: PendingPoint

    def publish(self, store: ObjectStore | None = None) -> BackupResult:
        repository = open_repository(self.store if store is None else store)
        session = replace(self.session, tools=replace(self.session.tools, repository=repository))
        clock = session.tools.clock
        with take_lease(repository.store, clock, session.run.id, INSTALLATION) as lease:
            return publish(session, self.pending, lease)

    def marked(self) -> dict[str, list[BlockRange]]:
        points = list_points(open_repository(self.store), MACHINE).points
        return {
            str(listed.point.id): [blocks for disk in mark.disks for blocks in disk.ranges]
            for listed in points
            for mark in listed.suspect_marks
        }


@pytest.fixture
def read(tmp_path: Path) -> Iterator[ReadCompletely]:
    with run_session(tmp_path, ScriptedMovers()) as session:
        repository = session.tools.repository
        assert isinstance(repository.store, MemoryObjectStore)
        stale = TRUE | {number: block_of(number + 100) for number in LIED_ABOUT}
        back_up(repository, run_id(1), (DiskChange(DISK, stale),))
        parent = find_parent(list_points(repository), DISK)
        found = {number: TRUE[number] for number in LIED_ABOUT}
        same = {number: content for number, content in TRUE.items() if number not in LIED_ABOUT}
        change = DiskChange(DISK, found, same, ReadScope.EVERYTHING)
        draft_key = write_draft(repository.store, session.run.id, change, parent=parent)
        captured = CapturedDisk(DISK, draft_key, ReadScope.EVERYTHING, ScopeReason.REQUESTED, parent)
        disk = PendingDisk(captured, TRACKED, TaskResult(DiskStatistics(), draft=draft_key))
        draft = replace(point_draft(session.run.id, (captured,)), created_at=MOMENT + timedelta(hours=1))
        pending = PendingPoint(draft, (disk,), 1.0)
        yield ReadCompletely(session, repository.store, pending)


def test_wrong_block_that_tracking_did_not_name_makes_the_parent_suspect(read: ReadCompletely) -> None:
    assert [str(point) for point in read.publish().suspect_points] == [run_id(1)]
    assert read.marked() == {run_id(1): [BlockRange(2, 1)]}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_marks_outlive_a_crash_at_any_call(read: ReadCompletely, moment: str) -> None:
    """Once the complete read is a point, nobody would look for doubtful points before it again."""
    whole = deepcopy(read.store.objects)
    expected = read.publish()
    number = 0
    while True:
        number += 1
        read.store.objects = deepcopy(whole)
        faulty = FaultyObjectStore(read.store, {number: Fault(Crash(), after=moment == "after")})
        try:
            read.publish(faulty)
            break
        except Crash:
            pass
        assert read.publish() == expected
        assert read.marked() == {run_id(1): [BlockRange(2, 1)]}
    assert number > 20


def test_publishing_again_when_the_drafts_are_gone_says_the_same(read: ReadCompletely) -> None:
    """The engine died after it removed the drafts and before it wrote down that the run has ended."""
    first = read.publish()
    tidy_up(read.session)

    assert not [key for key in read.store.objects if key.startswith(f"drafts/{read.session.run.id}")]
    assert not read.session.folder.path.exists()
    assert read.publish() == first


def test_drafts_that_cannot_be_removed_do_not_undo_the_point(read: ReadCompletely) -> None:
    read.publish()
    faulty = FaultyObjectStore(read.store)
    faulty.faults = {number: Fault(StoreFailureError("EIO")) for number in range(2, 99)}
    repository = replace(read.session.tools.repository, store=faulty)
    tidy_up(replace(read.session, tools=replace(read.session.tools, repository=repository)))

    assert isinstance(read.session.progress, HeardProgress)
    assert "drafts stay until the next start: EIO (KL-4014)" in read.session.progress.warnings
    assert read.session.folder.path.exists(), "by the folder the next start finds the drafts"
