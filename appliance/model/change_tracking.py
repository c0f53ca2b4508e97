"""What vSphere's changed block tracking says, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from appliance.model.extents import Extent


@dataclass(frozen=True, slots=True)
class ChangeId:
    """A moment in the life of one disk: `"52 3c ae …/17"` is epoch `52 3c ae …`, sequence 17.

    A different epoch means that tracking was reset in between
    (Virtual Disk Programming Guide, "Changed Block Tracking").
    """

    epoch: str
    sequence: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take vCenter's text apart.

        Raises:
            ValueError: the text has not the form `epoch/number`.
        """
        epoch, slash, sequence = text.rpartition("/")
        if not slash or not epoch or not sequence.isdecimal():
            raise ValueError(f"not a change id: {text!r}")
        return cls(epoch, int(sequence))

    def __str__(self) -> str:
        return f"{self.epoch}/{self.sequence}"


class ReadScope(StrEnum):
    """Which bytes of a disk a run looks at, and why it may leave out the others."""

    CHANGED = "changed"
    """What change tracking names since the parent's change id."""
    ALLOCATED = "allocated"
    """First full: what QueryAllocatedBlocks names; the rest was never written and is zero."""
    EVERYTHING = "everything"
    """Safe full (parent's digests are compared) or a first full of a disk without allocation facts."""


class ScopeReason(StrEnum):
    """Why a disk was read in the scope it was read in; stored with the point and shown."""

    TRACKING_VALID = "tracking-valid"
    FIRST_POINT = "first-point"
    ALLOCATION_UNKNOWN = "allocation-unknown"
    TRACKING_UNAVAILABLE = "tracking-unavailable"
    TRACKING_NOT_ENABLED = "tracking-not-enabled"
    EPOCH_CHANGED = "epoch-changed"
    SEQUENCE_WENT_BACK = "sequence-went-back"
    CAPACITY_CHANGED = "capacity-changed"
    BACKING_CHANGED = "backing-changed"
    MACHINE_REVERTED = "machine-reverted"
    EVENTS_INCOMPLETE = "events-incomplete"
    QUERY_FAILED = "query-failed"
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class CoverageProof:
    """How it is known that nothing was left out: the pages of one change query, from 0 to `capacity`.

    `pages` holds each page's end; the first page starts at 0, each next one where the last ended, and
    the last one ends at `capacity`. Checked when it is made, stored with the point.
    """

    capacity: int
    pages: tuple[int, ...]
    change_id: str

    def __post_init__(self) -> None:
        ends = (0, *self.pages)
        if list(ends) != sorted(set(ends)) or ends[-1] != self.capacity:
            raise ValueError(f"pages end at {self.pages}, which does not cover {self.capacity} bytes once")


@dataclass(frozen=True, slots=True)
class ChangedAreas:
    """Ascending, disjoint extents that may differ, with the proof that the whole disk was asked for."""

    extents: tuple[Extent, ...]
    proof: CoverageProof
