"""A process may die at any call to the store: what is listed then can be restored, and a retry succeeds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from appliance.clock import ManualClock
from appliance.errors import RepositoryError
from appliance.model.recovery_points import RecoveryPoint
from appliance.repository.commit import commit_recovery_point
from appliance.repository.layout import draft_key, draft_prefix
from appliance.repository.leases import take_lease
from appliance.repository.points import find_parent, list_points
from appliance.repository.repository import Repository, initialise_repository, open_repository
from appliance.repository.retirement import delete_committed_drafts, delete_drafts
from appliance.repository.verification import iter_findings
from appliance.storage import RepositoryFullError
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
    write_draft,
)
from tests.fakes.object_stores import Crash, Fault, FaultyObjectStore, MemoryObjectStore

DISK = disk_of(16 * BLOCK_SIZE)
FIRST = {block: block_of(block + 1) for block in range(9)}
CHANGED = {block: block_of(100 + block) for block in range(3, 9)} | {0: block_of(0), 12: block_of(5)}
SECOND = {block: content for block, content in (FIRST | CHANGED).items() if any(content)}


@cache
def objects_of_one_point() -> dict[str, bytes]:
    store = MemoryObjectStore()
    back_up(initialise_repository(store, ManualClock()), run_id(1), (DiskChange(DISK, FIRST),))
    return store.objects


def store_with_one_point() -> MemoryObjectStore:
    return MemoryObjectStore(dict(objects_of_one_point()))


def second_backup(repository: Repository) -> RecoveryPoint:
    return back_up(repository, run_id(2), (DiskChange(DISK, CHANGED),))


def calls_of_second_backup() -> list[str]:
    faulty = FaultyObjectStore(store_with_one_point())
    second_backup(open_repository(faulty))
    return faulty.calls


NUMBER_OF_CALLS = len(calls_of_second_backup()) + 3
"""With some to spare: two background threads make the order, not the number, vary."""


def check_everything_listed_restores(store: MemoryObjectStore, folder: Path) -> int:
    repository = open_repository(store)
    listing = list_points(repository)
    contents = [restore(repository, listed.point, folder) for listed in listing.points]
    assert contents == [[FIRST], [SECOND]][: len(contents)]
    assert listing.damaged == ()
    assert list(iter_findings(repository)) == []
    return len(contents)


def retry(store: MemoryObjectStore) -> None:
    """What the next engine does: commit a complete draft, or go on from the checkpoint and commit."""
    repository, clock = open_repository(store), ManualClock()
    delete_committed_drafts(repository)
    with take_lease(store, clock, f"{run_id(2)}.2", INSTALLATION) as lease:
        parent = find_parent(list_points(repository, MACHINE), DISK)
        if parent is not None and str(parent.point.id) == run_id(2):
            return
        complete = draft_key(draft_prefix(run_id(2), DISK))
        if store.information(complete) is None:
            complete = write_draft(store, run_id(2), DiskChange(DISK, CHANGED), parent=parent)
        captured = captured_disk(complete, DISK, parent)
        commit_recovery_point(repository, point_draft(run_id(2), (captured,)), lease, clock)
    delete_drafts(repository, run_id(2))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, NUMBER_OF_CALLS + 1))
def test_a_crash_at_any_call_leaves_whole_points_and_a_run_that_can_be_repeated(
    number: int, moment: str, tmp_path: Path
) -> None:
    store = store_with_one_point()
    faulty = FaultyObjectStore(store, {number: Fault(Crash(), moment == "after")})
    try:
        second_backup(open_repository(faulty))
    except Crash:
        pass
    else:
        assert number > len(faulty.calls)

    points = check_everything_listed_restores(store, tmp_path)
    assert points == 2 or not any(
        call.startswith("put_new manifests/") for call in faulty.calls[: number - 1]
    )
    retry(store)
    assert check_everything_listed_restores(store, tmp_path) == 2


@pytest.mark.parametrize("number", range(1, NUMBER_OF_CALLS + 1))
def test_an_error_at_any_call_is_raised_and_leaves_whole_points(number: int, tmp_path: Path) -> None:
    store = store_with_one_point()
    faulty = FaultyObjectStore(store, {number: Fault(RepositoryFullError("no space left"))})
    raised = None
    try:
        second_backup(open_repository(faulty))
    except RepositoryError as error:
        raised = str(error)

    harmless = number > len(faulty.calls) or " leases/" in faulty.calls[number - 1]
    assert raised == "no space left" or harmless, "only giving the lease back may fail unheard"
    assert check_everything_listed_restores(store, tmp_path) in ({1, 2} if raised else {2})
    retry(store)
    assert check_everything_listed_restores(store, tmp_path) == 2


def test_every_call_of_a_backup_is_in_the_order_of_the_format_text() -> None:
    calls = calls_of_second_backup()

    def first(text: str) -> int:
        return next(number for number, call in enumerate(calls) if call.startswith(text))

    def last(text: str) -> int:
        return max(number for number, call in enumerate(calls) if call.startswith(text))

    order = [
        last("commit segments/"),
        first(f"put_new {draft_key(draft_prefix(run_id(2), DISK))}"),
        last("commit maps/"),
        first("put_new configurations/"),
        first("put_new manifests/"),
        last("information segments/"),
    ]
    assert first("put_new leases/") < first("commit segments/")
    assert order == sorted(order)


def test_a_manifest_is_only_put_once_however_often_the_commit_is_repeated(tmp_path: Path) -> None:
    store = store_with_one_point()
    repository, clock = open_repository(store), ManualClock()
    with take_lease(store, clock, "session", INSTALLATION) as lease:
        parent = find_parent(list_points(repository, MACHINE), DISK)
        complete = write_draft(store, run_id(2), DiskChange(DISK, CHANGED), parent=parent)
        draft = point_draft(run_id(2), (captured_disk(complete, DISK, parent),))
        first = commit_recovery_point(repository, draft, lease, clock)
        objects = dict(store.objects)
        again = commit_recovery_point(repository, replace(draft, machine_name="late"), lease, clock)

    assert again == first
    assert {key for key in store.objects if not key.startswith("leases/")} == {
        key for key in objects if not key.startswith("leases/")
    }
    assert check_everything_listed_restores(store, tmp_path) == 2
