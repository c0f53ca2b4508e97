from __future__ import annotations

import random
from pathlib import Path

import pytest

from appliance.data_path.blocks_from_segments import LONGEST_RUN
from appliance.data_path.write_plan import SegmentRead, plan_segment_reads
from appliance.errors import DamageError
from tests.fakes.disks import MemoryDisk
from tests.unit.appliance.data_path.round_trip import BLOCK, BackedUp, back_up, disk_content

LETTERS = "ab.cdea" + "".join(chr(0x100 + number) for number in range(40)) + ".xyx"


def whole_read(backed_up: BackedUp, seed: int) -> SegmentRead:
    """Everything in one read, its blocks in an order that several workers may leave behind."""
    (read,) = plan_segment_reads(backed_up.rows, longest_read=1 << 30)
    blocks = list(read.blocks)
    random.Random(seed).shuffle(blocks)
    return SegmentRead(read.segment, read.offset, read.length, tuple(blocks))


@pytest.mark.parametrize("tail", [0, 512])
def test_runs_bring_every_stored_byte_once_however_the_blocks_lie(tmp_path: Path, tail: int) -> None:
    content = disk_content(LETTERS, tail)
    backed_up = back_up(tmp_path / "repository", MemoryDisk(content))
    restored = bytearray(len(content))

    lengths = []
    for offset, run in backed_up.chain(len(content)).source().iter_runs(whole_read(backed_up, seed=tail)):
        assert not any(restored[offset : offset + len(run)])
        restored[offset : offset + len(run)] = run
        lengths.append(len(run))

    assert restored == content
    assert max(lengths) == LONGEST_RUN
    assert lengths[0] == 2 * BLOCK


def test_damage_ends_the_runs(tmp_path: Path) -> None:
    content = disk_content("abc")
    backed_up = back_up(tmp_path / "repository", MemoryDisk(content), workers=1)
    (path,) = backed_up.store.root.glob("segments/*/*")
    damaged = bytearray(path.read_bytes())
    damaged[backed_up.rows[1].location.offset + 5] ^= 0xFF
    path.write_bytes(damaged)

    with pytest.raises(DamageError, match="block 1 of disk in segment"):
        list(backed_up.chain(len(content)).source().iter_runs(whole_read(backed_up, seed=1)))
