from __future__ import annotations

from pathlib import Path

import pytest

from appliance.codec import block_digest
from appliance.data_path.new_file import new_file
from appliance.data_path.raw_target import RawTarget
from appliance.model.blocks import ZERO_DIGEST, BlockFlags
from appliance.repository.drafts import iter_parts, read_draft
from appliance.repository.task_files import DigestIndex, ParentDigests
from appliance.storage import FileSystemStore
from appliance.transport import HostUnavailableError
from tests.fakes.disks import FaultyDiskReader, MemoryDisk
from tests.fakes.task_files import plan_of_draft, write_index, write_parent
from tests.unit.appliance.data_path.round_trip import BLOCK, BackedUp, back_up, disk_content


def restored(backed_up: BackedUp, capacity: int, target: Path) -> bytes:
    with new_file(target) as file:
        raw = RawTarget(file, capacity)
        backed_up.chain(capacity).write_in_any_order(backed_up.reads(), raw, workers=3)
        raw.finish()
    return target.read_bytes()


@pytest.mark.parametrize("tail", [0, 512, 5 * 1024, BLOCK - 512])
def test_a_disk_comes_back_byte_for_byte(tmp_path: Path, tail: int) -> None:
    content = disk_content("ab.c..dabc" * 5, tail)

    backed_up = back_up(tmp_path / "repository", MemoryDisk(content))

    assert restored(backed_up, len(content), tmp_path / "disk.raw") == content


def test_zero_blocks_are_counted_and_not_stored(tmp_path: Path) -> None:
    backed_up = back_up(tmp_path / "repository", MemoryDisk(disk_content("a....b" + "." * 40)))

    assert backed_up.statistics.zero == 44 * BLOCK
    assert sorted(row.block for row in backed_up.rows) == [0, 5]
    assert backed_up.statistics.stored == 2 * BLOCK, "random bytes do not compress"


def test_a_block_that_this_task_stored_before_is_stored_once(tmp_path: Path) -> None:
    backed_up = back_up(tmp_path / "repository", MemoryDisk(disk_content("aabaa")), workers=1)

    assert backed_up.statistics.deduplicated == 3 * BLOCK
    locations = {row.block: row.location for row in backed_up.rows}
    assert locations[0] == locations[1] == locations[3] == locations[4] != locations[2]


def test_a_block_that_equals_the_parents_is_neither_stored_nor_named(tmp_path: Path) -> None:
    before, after = disk_content("abc.e"), disk_content("axc.f")
    digests = [block_digest(before[start : start + BLOCK]) for start in range(0, len(before), BLOCK)]
    digests[3] = ZERO_DIGEST
    write_parent(tmp_path / "parent", digests, BLOCK, len(before))

    with ParentDigests(tmp_path / "parent") as parent:
        backed_up = back_up(tmp_path / "repository", MemoryDisk(after), parent=parent)

    assert sorted(row.block for row in backed_up.rows) == [1, 4]
    assert backed_up.statistics.unchanged == 2 * BLOCK


def test_a_zero_block_that_was_zero_in_the_parent_is_no_change(tmp_path: Path) -> None:
    before, after = disk_content("a.b."), disk_content("a..c")
    pieces = [before[start : start + BLOCK] for start in range(0, len(before), BLOCK)]
    digests = [block_digest(piece) if any(piece) else ZERO_DIGEST for piece in pieces]
    write_parent(tmp_path / "parent", digests, BLOCK, len(before))

    with ParentDigests(tmp_path / "parent") as parent:
        backed_up = back_up(tmp_path / "repository", MemoryDisk(after), parent=parent)

    draft = read_draft(backed_up.store, backed_up.draft)
    changed = {
        block
        for part in iter_parts(backed_up.store, draft)
        for block, flags in zip(part.columns.block_index.cast("Q"), part.columns.flags, strict=True)
        if not flags & BlockFlags.UNCHANGED
    }
    assert changed == {2, 3}
    assert backed_up.statistics.zero == 2 * BLOCK


def test_a_block_the_repository_holds_is_named_where_it_is(tmp_path: Path) -> None:
    first = back_up(tmp_path / "repository", MemoryDisk(disk_content("abcd")), run="first")
    write_index(tmp_path / "index", *plan_of_draft(first.store, first.draft))

    with DigestIndex(tmp_path / "index") as known:
        disk = MemoryDisk(disk_content("xdb"))
        second = back_up(tmp_path / "repository", disk, run="second", known=known)

    assert second.statistics.deduplicated == 2 * BLOCK
    there = {row.digest: row.location for row in first.rows}
    assert [there.get(row.digest) for row in sorted(second.rows, key=lambda row: row.block)] == [
        None,
        *(row.location for row in sorted(first.rows, key=lambda row: -row.block) if row.block in (3, 1)),
    ]
    assert restored(second, disk.capacity, tmp_path / "disk.raw") == bytes(disk.content)


def test_statistics_account_for_every_byte(tmp_path: Path) -> None:
    content = disk_content("aa..bcda.", 512)

    statistics = back_up(tmp_path / "repository", MemoryDisk(content)).statistics

    assert statistics.examined == statistics.read == len(content)
    stored_raw = len(content) - statistics.zero - statistics.deduplicated
    assert 0 < statistics.stored <= stored_raw


def test_a_read_error_ends_the_backup_and_leaves_no_complete_draft(tmp_path: Path) -> None:
    reader = FaultyDiskReader(MemoryDisk(disk_content("abcdefgh" * 8)), "RRE")

    with pytest.raises(HostUnavailableError, match="lets the read"):
        back_up(tmp_path / "repository", reader)

    assert FileSystemStore(tmp_path / "repository").information("drafts/run/disk/draft.json") is None


def test_read_errors_after_the_end_do_not_matter(tmp_path: Path) -> None:
    content = disk_content("abc")

    backed_up = back_up(tmp_path / "repository", FaultyDiskReader(MemoryDisk(content), "RRRERR"))

    assert restored(backed_up, len(content), tmp_path / "disk.raw") == content
