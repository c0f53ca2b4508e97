"""Opening, listing, leasing, committing: what is refused, and in which words."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from blake3 import blake3

from appliance.clock import ManualClock
from appliance.errors import RepositoryError
from appliance.model.identifiers import InstallationId, RecoveryPointId, SegmentId
from appliance.model.recovery_points import BlockRange, RecoveryPoint, SuspectDisk, TombstoneReason
from appliance.repository.commit import commit_recovery_point
from appliance.repository.digest_index import write_repository_index
from appliance.repository.errors import (
    CondemnedReferenceError,
    DamagedManifestError,
    DamagedObjectError,
    DiskNotInPointError,
    DraftError,
    FolderNotEmptyError,
    LeaseExpiredError,
    MissingSegmentError,
    NotARepositoryError,
    PointNotFoundError,
    PointWithdrawnError,
    RepositoryExistsError,
    RepositoryFormatError,
)
from appliance.repository.image_reader import find_image, open_parent
from appliance.repository.layout import (
    IDENTITY_KEY,
    manifest_key,
    run_drafts_prefix,
    segment_key,
    tombstone_key,
)
from appliance.repository.leases import Lease, take_lease
from appliance.repository.points import find_parent, find_point, list_points, list_points_with_retired
from appliance.repository.repository import (
    Repository,
    initialise_repository,
    installations,
    open_repository,
    register_installation,
)
from appliance.repository.retirement import (
    delete_committed_drafts,
    delete_drafts,
    mark_suspect,
    retire_point,
)
from appliance.storage import FileSystemStore, RepositoryMissingError, StoreFailureError
from tests.fakes.backups import (
    BLOCK_SIZE,
    INSTALLATION,
    MACHINE,
    DiskChange,
    back_up,
    block_of,
    captured_disk,
    disk_of,
    point_draft,
    restore,
    run_id,
    segments_of,
    write_draft,
)
from tests.fakes.object_stores import Fault, FaultyObjectStore, MemoryObjectStore

DISK = disk_of(16 * BLOCK_SIZE)


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


@pytest.fixture
def repository(store: MemoryObjectStore) -> Repository:
    return initialise_repository(store, ManualClock())


def reseal(content: bytes, **changes: object) -> bytes:
    """A document with other fields and a seal that is right."""
    document = json.loads(content[: content.rindex(b"\n", 0, -1)])
    text = json.dumps(document | changes).encode() + b"\n"
    return text + json.dumps({"length": len(text), "blake3": blake3(text).hexdigest()}).encode() + b"\n"


def two_points(repository: Repository) -> tuple[RecoveryPoint, RecoveryPoint]:
    first = back_up(repository, run_id(1), (DiskChange(DISK, {n: block_of(n + 1) for n in range(8)}),))
    return first, back_up(repository, run_id(2), (DiskChange(DISK, {3: block_of(77)}),))


def test_a_repository_is_recognised(repository: Repository, store: MemoryObjectStore) -> None:
    assert open_repository(store) == repository
    assert len(repository.identity.repository) == 32


def test_a_repository_is_made_once(repository: Repository, store: MemoryObjectStore) -> None:
    with pytest.raises(RepositoryExistsError):
        initialise_repository(store, ManualClock())


def test_a_folder_with_something_else_is_not_made_a_repository(store: MemoryObjectStore) -> None:
    store.put_new("holiday/photo.jpg", b"")

    with pytest.raises(FolderNotEmptyError, match=r"holiday/photo\.jpg"):
        initialise_repository(store, ManualClock())
    with pytest.raises(NotARepositoryError):
        open_repository(store)


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(RepositoryMissingError):
        initialise_repository(FileSystemStore(tmp_path / "nowhere"), ManualClock())
    with pytest.raises(RepositoryMissingError):
        open_repository(FileSystemStore(tmp_path / "nowhere"))


def test_a_newer_format_is_refused_in_its_own_words(repository: Repository, store: MemoryObjectStore) -> None:
    store.objects[IDENTITY_KEY] = reseal(store.objects[IDENTITY_KEY], format="2", repository=17)

    with pytest.raises(RepositoryFormatError, match="has format '2'; this Keepline knows '1-draft'"):
        open_repository(store)


def test_another_digest_is_refused(repository: Repository, store: MemoryObjectStore) -> None:
    store.objects[IDENTITY_KEY] = reseal(store.objects[IDENTITY_KEY], block_digest="sha-256")

    with pytest.raises(RepositoryFormatError, match="'sha-256'"):
        open_repository(store)


def test_any_flipped_bit_of_an_identity_is_found(repository: Repository, store: MemoryObjectStore) -> None:
    whole = store.objects[IDENTITY_KEY]
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x04
        store.objects[IDENTITY_KEY] = bytes(damaged)
        with pytest.raises(DamagedObjectError, match=r"keepline\.json"):
            open_repository(store)


def test_an_identity_cut_short_is_found(repository: Repository, store: MemoryObjectStore) -> None:
    whole = store.objects[IDENTITY_KEY]
    for length in range(len(whole)):
        store.objects[IDENTITY_KEY] = whole[:length]
        with pytest.raises(DamagedObjectError, match=r"keepline\.json"):
            open_repository(store)


def test_every_appliance_leaves_its_id_once(repository: Repository) -> None:
    for name in ("first", "second", "first"):
        register_installation(repository, InstallationId(name))

    assert installations(repository) == ("first", "second")


def test_points_are_listed_oldest_first(repository: Repository) -> None:
    first, second = two_points(repository)

    assert [listed.point for listed in list_points(repository).points] == [first, second]
    assert [listed.point for listed in list_points(repository, MACHINE).points] == [first, second]
    other = replace(MACHINE, instance_uuid="other")
    assert list_points(repository, other).points == ()
    assert find_point(repository, first.id).point == first


def test_a_point_nobody_made_is_not_found(repository: Repository) -> None:
    two_points(repository)

    with pytest.raises(PointNotFoundError, match="no recovery point 20200101T000000Z-00000000"):
        find_point(repository, RecoveryPointId("20200101T000000Z-00000000"))


def test_a_disk_the_point_does_not_hold_is_named_with_those_it_holds(repository: Repository) -> None:
    first, _ = two_points(repository)

    for name in ("Hard disk 1", "2000", DISK.backing_uuid):
        assert find_image(first, name) == first.images[0]
    with pytest.raises(DiskNotInPointError, match="has no disk 'Hard disk 9', but: Hard disk 1"):
        find_image(first, "Hard disk 9")


def test_a_damaged_manifest_is_named_and_hides_no_other(
    repository: Repository, store: MemoryObjectStore
) -> None:
    first, second = two_points(repository)
    key = manifest_key(MACHINE.key, first.id)
    store.objects[key] = store.objects[key].replace(b"web-01", b"web-02")

    listing = list_points(repository)
    assert [listed.point for listed in listing.points] == [second]
    (damaged,) = listing.damaged
    assert (damaged.machine_key, damaged.point) == (MACHINE.key, first.id)
    assert key in damaged.explanation
    with pytest.raises(DamagedManifestError, match=first.id):
        find_point(repository, first.id)


def test_a_manifest_under_another_points_key_is_damage(
    repository: Repository, store: MemoryObjectStore
) -> None:
    first, second = two_points(repository)
    store.objects[manifest_key(MACHINE.key, second.id)] = store.objects[manifest_key(MACHINE.key, first.id)]

    (damaged,) = list_points(repository).damaged
    assert damaged.point == second.id
    assert f"holds the manifest of point {first.id}" in damaged.explanation


def test_a_retired_point_is_left_out_unless_asked_for(repository: Repository, tmp_path: Path) -> None:
    first, second = two_points(repository)
    for _ in range(2):
        retire_point(repository, first, ManualClock(), "older than a year")

    assert [listed.point for listed in list_points(repository).points] == [second]
    everything = list_points_with_retired(repository).points
    assert [listed.point for listed in everything] == [first, second]
    assert everything[1].tombstone is None
    tombstone = everything[0].tombstone
    assert tombstone is not None
    assert (tombstone.reason, tombstone.explanation) == (TombstoneReason.RETIRED, "older than a year")
    assert find_point(repository, first.id).tombstone == tombstone
    assert restore(repository, second, tmp_path)[0][0] == block_of(1)


def test_a_suspect_point_stays_listed_and_marked(repository: Repository) -> None:
    first, _ = two_points(repository)
    disks = (SuspectDisk(DISK.label, DISK.device_key, DISK.backing_uuid, (BlockRange(3, 2),)),)
    for _ in range(2):
        mark_suspect(repository, first, run_id(3), disks, ManualClock(), "read other bytes")
    mark_suspect(repository, first, run_id(4), disks, ManualClock(), "again")

    marked, unmarked = list_points(repository).points
    assert [(mark.found_by, mark.disks) for mark in marked.suspect_marks] == [
        (run_id(3), disks),
        (run_id(4), disks),
    ]
    assert unmarked.suspect_marks == ()
    assert find_point(repository, first.id) == marked


def test_a_damaged_mark_or_tombstone_says_what_its_key_says_and_hides_no_point(
    repository: Repository, store: MemoryObjectStore
) -> None:
    first, second = two_points(repository)
    mark_suspect(repository, second, run_id(3), (), ManualClock(), "read other bytes")
    retire_point(repository, first, ManualClock(), "")
    for key in list(store.objects):
        if key.startswith(("suspects/", "tombstones/")):
            store.objects[key] = store.objects[key][:-3]

    (offered,) = list_points(repository).points
    assert offered.point == second
    (mark,) = offered.suspect_marks
    assert (mark.point, mark.found_by) == (second.id, run_id(3))
    assert mark.explanation.startswith("suspects/")
    retired = find_point(repository, first.id).tombstone
    assert retired is not None
    assert retired.explanation.startswith("tombstones/")


def test_the_parent_is_the_newest_offered_point_with_that_very_disk(repository: Repository) -> None:
    first, second = two_points(repository)

    parent = find_parent(list_points(repository), replace(DISK, device_key=2016))
    assert parent is not None
    assert parent.point == second
    assert find_parent(list_points(repository), replace(DISK, backing_uuid="another")) is None
    retire_point(repository, second, ManualClock(), "")
    parent = find_parent(list_points(repository), DISK)
    assert parent is not None
    assert parent.point == first


def test_copies_of_one_disk_in_one_machine_stay_apart(repository: Repository, tmp_path: Path) -> None:
    """A copied disk file keeps its UUID, and its capacity, and without tracking there is no change id."""
    original, copy = disk_of(4 * BLOCK_SIZE, 2000), disk_of(4 * BLOCK_SIZE, 2001)
    assert original.backing_uuid == copy.backing_uuid
    first = ({0: block_of(1), 1: block_of(2)}, {0: block_of(1), 1: block_of(3)})
    back_up(repository, run_id(1), tuple(map(DiskChange, (original, copy), first)))
    changed = ({2: block_of(4)}, {1: block_of(5)})
    point = back_up(repository, run_id(2), tuple(map(DiskChange, (original, copy), changed)))

    assert restore(repository, point, tmp_path) == [first[0] | changed[0], first[1] | changed[1]]


def test_copy_in_a_place_of_its_own_has_no_parent_among_several(repository: Repository) -> None:
    disks = disk_of(4 * BLOCK_SIZE, 2000), disk_of(4 * BLOCK_SIZE, 2001)
    back_up(repository, run_id(1), tuple(DiskChange(disk, {}) for disk in disks))

    assert find_parent(list_points(repository), disk_of(4 * BLOCK_SIZE, 2002)) is None
    for disk in disks:
        parent = find_parent(list_points(repository), disk)
        assert parent is not None
        assert parent.image.disk == disk


def test_a_parent_with_a_hole_is_no_parent(repository: Repository, store: MemoryObjectStore) -> None:
    two_points(repository)
    parent = find_parent(list_points(repository), DISK)
    assert parent is not None
    reader = open_parent(repository, parent)
    store.delete(segment_key(reader.segments[-1].id))

    with pytest.raises(MissingSegmentError, match=reader.segments[-1].id):
        open_parent(repository, parent)


def test_known_blocks_of_a_segment_that_is_gone_are_not_offered(
    repository: Repository, store: MemoryObjectStore, tmp_path: Path
) -> None:
    _, second = two_points(repository)
    gone, *others = segments_of(store, second, repository)
    store.delete(segment_key(gone.id))

    report = write_repository_index(repository, list_points(repository), tmp_path / "index")
    assert report.damaged == (f"segment {gone.id} is missing or cut short",)
    assert 0 < report.digest_count < 9
    assert others


def test_known_blocks_of_a_damaged_map_are_not_offered(
    repository: Repository, store: MemoryObjectStore, tmp_path: Path
) -> None:
    _, second = two_points(repository)
    store.objects[second.images[0].block_maps[0].object.key] += b"1"

    report = write_repository_index(repository, list_points(repository), tmp_path / "index")
    assert report.digest_count == 8
    (damage,) = report.damaged
    assert f"web-01 / Hard disk 1 at {second.id}" in damage


def lease_of(store: MemoryObjectStore, clock: ManualClock) -> Lease:
    return Lease(store, clock, "session", INSTALLATION, timedelta(minutes=30))


def test_a_lease_is_kept_in_the_repository_while_it_is_held(store: MemoryObjectStore) -> None:
    clock = ManualClock()
    with take_lease(store, clock, "session", INSTALLATION, timedelta(minutes=30)) as lease:
        assert list(store.objects) == [lease.key]
        clock.sleep(1700)
        lease.renew()
        assert lease.key in store.objects
        clock.sleep(1700)
        lease.confirm()
    assert store.objects == {}


def test_a_lease_that_expired_by_the_appliances_clock_is_over_for_good(store: MemoryObjectStore) -> None:
    clock = ManualClock()
    lease = lease_of(store, clock)
    lease.renew()
    clock.sleep(1801)

    for _ in range(2):
        with pytest.raises(LeaseExpiredError, match="not renewed for 0:30:01 by the appliance's clock"):
            lease.renew()


def test_a_lease_that_expired_by_the_stores_clock_is_over_for_good(store: MemoryObjectStore) -> None:
    lease = lease_of(store, ManualClock())
    lease.renew()
    store.modified += timedelta(minutes=31)

    for _ in range(2):
        with pytest.raises(LeaseExpiredError, match="not renewed for 0:31:00 by the repository's clock"):
            lease.confirm()


def fail_while_leased(store: MemoryObjectStore, error: RepositoryError | None) -> None:
    """Hold a lease that cannot be given back."""
    faulty = FaultyObjectStore(store)
    with take_lease(faulty, ManualClock(), "session", INSTALLATION):
        faulty.faults = {len(faulty.calls) + 1: Fault(StoreFailureError("EIO"))}
        if error is not None:
            raise error


def test_lease_that_cannot_be_given_back_hides_nothing(store: MemoryObjectStore) -> None:
    """It expires by itself; what the session has done, or what it failed with, is worth more."""
    fail_while_leased(store, None)
    with pytest.raises(MissingSegmentError):
        fail_while_leased(store, MissingSegmentError(""))

    assert len(list(store.list("leases/"))) == 2


def test_a_session_that_starts_again_has_a_lease_of_its_own(store: MemoryObjectStore) -> None:
    lease_of(store, ManualClock()).renew()
    store.modified += timedelta(days=1)
    second = lease_of(store, ManualClock())
    second.renew()
    second.confirm()

    assert len(store.objects) == 3


def commit_second(repository: Repository, store: MemoryObjectStore, draft_key: str) -> RecoveryPoint:
    parent = find_parent(list_points(repository), DISK)
    with take_lease(store, ManualClock(), "session", INSTALLATION) as lease:
        captured = (captured_disk(draft_key, DISK, parent),)
        return commit_recovery_point(repository, point_draft(run_id(2), captured), lease, ManualClock())


def draft_of_second(repository: Repository, store: MemoryObjectStore) -> str:
    back_up(repository, run_id(1), (DiskChange(DISK, {n: block_of(n + 1) for n in range(8)}),))
    parent = find_parent(list_points(repository), DISK)
    return write_draft(store, run_id(2), DiskChange(DISK, {3: block_of(77)}), parent=parent)


def manifests(store: MemoryObjectStore) -> list[str]:
    return [found.key for found in store.list("manifests/")]


def test_the_draft_of_another_run_is_refused(repository: Repository, store: MemoryObjectStore) -> None:
    draft_of_second(repository, store)
    other = write_draft(store, run_id(3), DiskChange(DISK, {}))

    with pytest.raises(DraftError, match="is not of Hard disk 1 in run"):
        commit_second(repository, store, other)
    assert len(manifests(store)) == 1


def test_a_draft_that_was_compared_with_another_parent_is_refused(
    repository: Repository, store: MemoryObjectStore
) -> None:
    draft_key = draft_of_second(repository, store)
    first = list_points(repository).points[0].point
    retire_point(repository, first, ManualClock(), "")

    with pytest.raises(DraftError, match=f"was compared with point {first.id}, not None"):
        commit_second(repository, store, draft_key)


def test_the_draft_of_another_disk_with_the_same_uuid_is_refused(
    repository: Repository, store: MemoryObjectStore
) -> None:
    draft_key = draft_of_second(repository, store)
    captured = (captured_disk(draft_key, replace(DISK, device_key=2001), None),)
    lease = lease_of(store, ManualClock())

    with pytest.raises(DraftError, match="is not of Hard disk 1 in run"):
        commit_recovery_point(repository, point_draft(run_id(2), captured), lease, ManualClock())


def test_a_draft_that_does_not_cover_the_scope_is_refused(
    repository: Repository, store: MemoryObjectStore
) -> None:
    draft_key = draft_of_second(repository, store)
    parent = find_parent(list_points(repository), DISK)
    captured = replace(captured_disk(draft_key, DISK, parent), expected_blocks=2)
    lease = lease_of(store, ManualClock())

    with pytest.raises(DraftError, match="has rows for 1 blocks instead of 2"):
        commit_recovery_point(repository, point_draft(run_id(2), (captured,)), lease, ManualClock())
    assert len(manifests(store)) == 1


def test_unchanged_blocks_without_a_parent_are_refused(
    repository: Repository, store: MemoryObjectStore
) -> None:
    draft_key = write_draft(store, run_id(2), DiskChange(DISK, {}, {1: block_of(1)}))

    with pytest.raises(DraftError, match="has unchanged blocks and no parent"):
        commit_second(repository, store, draft_key)


def test_a_segment_that_is_gone_before_the_manifest_means_no_point(
    repository: Repository, store: MemoryObjectStore
) -> None:
    draft_key = draft_of_second(repository, store)
    for found in list(store.list("segments/")):
        store.delete(found.key)

    with pytest.raises(MissingSegmentError):
        commit_second(repository, store, draft_key)
    assert len(manifests(store)) == 1


def test_a_point_is_not_made_on_a_parent_with_a_hole(
    repository: Repository, store: MemoryObjectStore
) -> None:
    first = back_up(repository, run_id(1), (DiskChange(DISK, {n: block_of(n + 1) for n in range(8)}),))
    parent = find_parent(list_points(repository), DISK)
    draft_key = write_draft(store, run_id(2), DiskChange(DISK, {3: block_of(77)}), parent=parent)
    gone = segments_of(store, first, repository)[0]
    store.delete(segment_key(gone.id))

    with pytest.raises(MissingSegmentError, match=gone.id):
        commit_second(repository, store, draft_key)
    assert len(manifests(store)) == 1


class RepeatsThePutOfAManifest(MemoryObjectStore):
    """A network file system repeats a call whose answer was lost: the second one finds the name taken."""

    def put_new(self, key: str, content: bytes) -> None:
        super().put_new(key, content)
        if key.startswith("manifests/") and len(manifests(self)) > 1:
            super().put_new(key, content)


def test_a_manifest_that_is_there_already_is_success() -> None:
    store = RepeatsThePutOfAManifest()
    repository = initialise_repository(store, ManualClock())
    point = commit_second(repository, store, draft_of_second(repository, store))

    assert [listed.point for listed in list_points(repository).points][1:] == [point]


class LosesSegmentsAtTheManifest(MemoryObjectStore):
    """Somebody deletes all segments at the very moment a second manifest appears."""

    def put_new(self, key: str, content: bytes) -> None:
        super().put_new(key, content)
        if len(manifests(self)) > 1:
            for found in list(self.list("segments/")):
                self.delete(found.key)


def test_a_segment_that_goes_with_the_manifest_withdraws_the_point() -> None:
    store = LosesSegmentsAtTheManifest()
    repository = initialise_repository(store, ManualClock())
    draft_key = draft_of_second(repository, store)

    for _ in range(2):
        with pytest.raises(PointWithdrawnError, match=r"withdrawn: segment [0-9a-f]{64} is missing"):
            commit_second(repository, store, draft_key)
    assert tombstone_key(MACHINE.key, RecoveryPointId(run_id(2))) in store.objects
    assert [str(listed.point.id) for listed in list_points(repository).points] == [run_id(1)]


def test_a_condemned_segment_is_not_relied_on(repository: Repository, store: MemoryObjectStore) -> None:
    draft_key = draft_of_second(repository, store)
    names = [SegmentId(found.key.rpartition("/")[2]) for found in store.list("segments/")]
    empty = store.objects[IDENTITY_KEY]
    store.put_new("condemned/1.json", reseal(empty, segments=names))

    with pytest.raises(CondemnedReferenceError, match=r"is condemned by condemned/1\.json"):
        commit_second(repository, store, draft_key)
    assert len(manifests(store)) == 1


def test_an_expired_lease_means_no_point(repository: Repository, store: MemoryObjectStore) -> None:
    draft_key = draft_of_second(repository, store)
    clock = ManualClock()
    lease = lease_of(store, clock)
    lease.renew()
    clock.sleep(3600)
    captured = (captured_disk(draft_key, DISK, find_parent(list_points(repository), DISK)),)

    with pytest.raises(LeaseExpiredError):
        commit_recovery_point(repository, point_draft(run_id(2), captured), lease, clock)
    assert len(manifests(store)) == 1


def test_drafts_are_deleted_document_first(repository: Repository, store: MemoryObjectStore) -> None:
    draft_of_second(repository, store)
    delete_drafts(repository, run_id(2))

    assert [key for key in store.objects if key.startswith(run_drafts_prefix(run_id(2)))] == []
    assert any(key.startswith(run_drafts_prefix(run_id(1))) for key in store.objects)


def test_drafts_of_runs_whose_point_exists_are_cleaned_up(
    repository: Repository, store: MemoryObjectStore
) -> None:
    draft_of_second(repository, store)

    assert delete_committed_drafts(repository) == (run_id(1),)
    assert {key.split("/")[1] for key in store.objects if key.startswith("drafts/")} == {run_id(2)}
