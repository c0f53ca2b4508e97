"""Stored blocks out of segments."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.model.blocks import BlockLocation, Segment
from appliance.model.identifiers import SegmentId
from appliance.repository.errors import DamagedSegmentError, MissingSegmentError
from appliance.repository.layout import segment_key
from appliance.repository.segment_format import (
    ENTRY_LENGTH,
    HEADER_LENGTH,
    TRAILER_LENGTH,
    SegmentEntry,
    SegmentTrailer,
    check_header,
    unpack_footer,
    unpack_trailer,
)
from appliance.storage import ObjectMissingError, ObjectStore


def require_segments(store: ObjectStore, segments: Iterable[Segment]) -> None:
    """Make sure that segments are there with their length; their bytes are not looked at.

    Raises:
        MissingSegmentError: one is gone.
        DamagedSegmentError: one has another length.
    """
    for segment in segments:
        information = store.information(segment_key(segment.id))
        if information is None:
            raise MissingSegmentError(f"segment {segment.id} is missing")
        if information.length != segment.length:
            message = f"segment {segment.id} has {information.length} bytes instead of {segment.length}"
            raise DamagedSegmentError(message)


class SegmentReader:
    """Reads from the segments of one repository; safe for any number of threads.

    Every method raises `MissingSegmentError` where the segment is gone and `DamagedSegmentError` where it
    is not the object that was written.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read_into(self, segment: SegmentId, offset: int, destination: memoryview) -> None:
        """Fill `destination` from byte `offset` of the segment: stored bytes, to be decoded and compared."""
        try:
            count = self._store.read_into(segment_key(segment), offset, destination)
        except ObjectMissingError as error:
            raise MissingSegmentError(f"segment {segment} is missing") from error
        if count < len(destination):
            raise DamagedSegmentError(
                f"segment {segment} ends at byte {offset + count}, inside stored blocks"
            )

    def read(self, location: BlockLocation) -> bytes:
        """The stored bytes of one block."""
        stored = bytearray(location.stored_length)
        self.read_into(location.segment, location.offset, memoryview(stored))
        return bytes(stored)

    def check(self, segment: Segment) -> None:
        """Make sure that a segment is there, has its length, and begins and ends as it was written."""
        require_segments(self._store, (segment,))
        check_header(self._read_exactly(segment.id, 0, HEADER_LENGTH), segment.id)
        trailer = self._trailer(segment.id, segment.length)
        if trailer.digest.hex() != segment.digest:
            message = f"segment {segment.id} has digest {trailer.digest.hex()} instead of {segment.digest}"
            raise DamagedSegmentError(message)

    def entries(self, segment: SegmentId) -> tuple[SegmentEntry, ...]:
        """What the segment's own footer lists: for disaster recovery, when no map is left."""
        information = self._store.information(segment_key(segment))
        if information is None:
            raise MissingSegmentError(f"segment {segment} is missing")
        trailer = self._trailer(segment, information.length)
        start = information.length - TRAILER_LENGTH - trailer.footer_length
        return unpack_footer(self._read_exactly(segment, start, trailer.footer_length))

    def _trailer(self, segment: SegmentId, length: int) -> SegmentTrailer:
        if length < HEADER_LENGTH + TRAILER_LENGTH:
            raise DamagedSegmentError(f"segment {segment} has {length} bytes, too few for any segment")
        trailer = unpack_trailer(
            self._read_exactly(segment, length - TRAILER_LENGTH, TRAILER_LENGTH), segment
        )
        if trailer.object_length != length or trailer.footer_length != trailer.entry_count * ENTRY_LENGTH:
            raise DamagedSegmentError(f"segment {segment} has a trailer of another object")
        return trailer

    def _read_exactly(self, segment: SegmentId, offset: int, length: int) -> bytes:
        content = bytearray(length)
        self.read_into(segment, offset, memoryview(content))
        return bytes(content)
