"""A complete draft, checked, in the shape a catalog takes it: for the engine, not for movers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.model.block_columns import BlockColumns
from appliance.model.blocks import BlockFlags, Segment, block_count_of
from appliance.model.recovery_points import ObjectReference
from appliance.repository.drafts import DiskDraft, DraftPart, read_part
from appliance.repository.errors import DraftError
from appliance.storage import ObjectStore


@dataclass(frozen=True, slots=True)
class CheckedPart:
    """A part that was whole when it was checked; its rows are read again when they are wanted."""

    store: ObjectStore
    reference: ObjectReference
    lowest: int
    highest: int
    named: Mapping[int, Segment]
    row_count: int
    changed_rows: int

    def read(self) -> BlockColumns:
        """The rows."""
        return read_part(self.store, self.reference).columns


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A draft all of whose parts are whole."""

    draft: DiskDraft
    parts: tuple[CheckedPart, ...]

    @property
    def changed_rows(self) -> int:
        """The rows that are not "unchanged": as many as a delta map gets."""
        return sum(part.changed_rows for part in self.parts)


def check_draft(store: ObjectStore, draft: DiskDraft, expected_rows: int | None) -> CheckedDraft:
    """The draft after every part was read once and the number of rows was found right.

    `expected_rows`, where it is known, is the number of blocks the run had to look at.

    Raises:
        DamagedDraftError: a part is missing or not what was written.
        DraftError: the draft does not cover what it should.
    """
    parts = tuple(_checked(store, read_part(store, reference)) for reference in draft.parts)
    row_count = sum(part.row_count for part in parts)
    wanted = draft.row_count if expected_rows is None else expected_rows
    if row_count != draft.row_count or row_count != wanted:
        raise DraftError(
            f"the draft of run {draft.key.run} has rows for {row_count} blocks instead of {wanted}"
        )
    block_count = block_count_of(draft.key.capacity, draft.key.block_size)
    highest = max((part.highest for part in parts), default=-1)
    if highest >= block_count:
        raise DraftError(f"the draft of run {draft.key.run} has block {highest} of a disk of {block_count}")
    return CheckedDraft(draft, parts)


def _checked(store: ObjectStore, part: DraftPart) -> CheckedPart:
    header = part.header
    unchanged = sum(1 for flags in part.columns.flags if flags & BlockFlags.UNCHANGED)
    named = {numbered.ordinal: numbered.segment for numbered in header.segments}
    return CheckedPart(
        store,
        part.reference,
        header.lowest,
        header.highest,
        named,
        header.row_count,
        header.row_count - unchanged,
    )
