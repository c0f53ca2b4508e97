from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.data_path.plans import rows_by_block
from appliance.data_path.write_plan import SegmentRead, plan_segment_reads
from appliance.model.blocks import BlockFlags, BlockLocation
from appliance.model.identifiers import SegmentId
from appliance.repository.task_files import PlanRow

SEGMENTS = [SegmentId(letter * 64) for letter in "abc"]


def row(block: int, segment: int, offset: int, length: int) -> PlanRow:
    location = BlockLocation(SEGMENTS[segment], offset, length, BlockFlags.NONE)
    return PlanRow(block, bytes(32), location)


ROWS = st.lists(
    st.builds(row, st.integers(0, 500), st.integers(0, 2), st.integers(0, 2000), st.integers(1, 200)),
    max_size=30,
)


def stored_order(block: PlanRow) -> tuple[str, int, int]:
    return block.location.segment, block.location.offset, block.block


def lies_inside(block: PlanRow, read: SegmentRead) -> bool:
    start, end = block.location.offset, block.location.offset + block.location.stored_length
    return (
        block.location.segment == read.segment and read.offset <= start and end <= read.offset + read.length
    )


@given(ROWS, st.integers(1, 600), st.integers(0, 100))
def test_every_block_comes_once_in_its_order_inside_its_read(
    rows: list[PlanRow], longest: int, gap: int
) -> None:
    rows.sort(key=stored_order)

    reads = list(plan_segment_reads(rows, longest, gap))

    assert [block for read in reads for block in read.blocks] == rows
    assert all(lies_inside(block, read) for read in reads for block in read.blocks)


@given(ROWS, st.integers(1, 600), st.integers(0, 100))
def test_reads_are_no_longer_than_allowed_unless_one_block_is(
    rows: list[PlanRow], longest: int, gap: int
) -> None:
    rows.sort(key=stored_order)

    for read in plan_segment_reads(rows, longest, gap):
        assert read.length <= max(longest, read.blocks[0].location.stored_length)


@given(ROWS, st.integers(0, 100))
def test_no_read_fetches_a_gap_wider_than_allowed(rows: list[PlanRow], gap: int) -> None:
    rows.sort(key=stored_order)

    for read in plan_segment_reads(rows, 10_000, gap):
        end = read.offset
        for block in read.blocks:
            assert block.location.offset - end <= gap
            end = max(end, block.location.offset + block.location.stored_length)


def test_blocks_stored_back_to_back_become_one_read() -> None:
    rows = [row(7, 0, 64, 100), row(3, 0, 164, 50), row(9, 0, 214, 10)]

    assert list(plan_segment_reads(rows, 1000)) == [SegmentRead(SEGMENTS[0], 64, 160, tuple(rows))]


def test_blocks_in_the_order_of_the_disk_are_joined_only_where_storage_ascends_too() -> None:
    rows = [row(1, 0, 500, 100), row(2, 0, 600, 100), row(3, 0, 64, 100)]

    reads = list(plan_segment_reads(rows, 1000))

    assert [read.offset for read in reads] == [500, 64]


@given(st.lists(st.integers(0, 2**20), unique=True, max_size=50))
def test_rows_are_numbered_in_the_order_of_their_blocks(blocks: list[int]) -> None:
    order = list(rows_by_block(enumerate(blocks)))

    assert [blocks[number] for number in order] == sorted(blocks)
