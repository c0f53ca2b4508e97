"""What every `DiskReader` and `DiskWriter` does; plain functions, because VDDK needs a process of its own."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from appliance.errors import DiskTransportError
from appliance.transport import DiskReader, DiskWriter

SECTOR: Final = 512


def buffer(length: int) -> memoryview:
    return memoryview(mmap.mmap(-1, length))


def reads_every_byte_of_the_disk(reader: DiskReader, content: bytes) -> None:
    assert reader.capacity == len(content)
    memory = buffer(len(content))

    reader.read_into(0, memory)

    assert bytes(memory) == content


def reads_single_sectors_at_both_ends(reader: DiskReader, content: bytes) -> None:
    for offset in (0, SECTOR, len(content) - SECTOR):
        memory = buffer(SECTOR)
        reader.read_into(offset, memory)
        assert bytes(memory) == content[offset : offset + SECTOR]


def fills_the_slice_it_was_given_and_nothing_else(reader: DiskReader, content: bytes) -> None:
    memory = buffer(4 * SECTOR)

    reader.read_into(0, memory[SECTOR : 2 * SECTOR])

    assert bytes(memory) == bytes(SECTOR) + content[:SECTOR] + bytes(2 * SECTOR)


def serves_more_threads_than_it_has_handles(reader: DiskReader, content: bytes) -> None:
    pieces = 8 * reader.parallelism
    length = len(content) // pieces // SECTOR * SECTOR
    memories = [buffer(length) for _ in range(pieces)]

    in_threads(pieces, lambda number: reader.read_into(number * length, memories[number]))

    assert b"".join(map(bytes, memories)) == content[: pieces * length]
    assert reader.parallelism >= 1


def refuses_bytes_behind_the_end(reader: DiskReader, content: bytes) -> None:
    try:
        reader.read_into(len(content) - SECTOR, buffer(2 * SECTOR))
    except DiskTransportError:
        return
    raise AssertionError("a read past the end of the disk went through")


def can_be_read_after_a_refusal(reader: DiskReader, content: bytes) -> None:
    refuses_bytes_behind_the_end(reader, content)
    reads_single_sectors_at_both_ends(reader, content)


def calls_every_byte_allocated_that_is_not_zero(reader: DiskReader, content: bytes) -> None:
    extents = list(reader.iter_allocated())

    assert all(left.end <= right.offset for left, right in pairwise(extents))
    assert all(extent.end <= len(content) for extent in extents)
    position = 0
    for extent in extents:
        assert not any(content[position : extent.offset]), f"bytes from {position} on are missing"
        position = extent.end
    assert not any(content[position:])


def can_be_read_after_asking_for_allocation(reader: DiskReader, content: bytes) -> None:
    list(reader.iter_allocated())
    reads_every_byte_of_the_disk(reader, content)


def says_how_its_bytes_travel(reader: DiskReader, content: bytes) -> None:
    assert reader.transport_mode.isalnum()


def keeps_what_was_written(writer: DiskWriter, content: bytes) -> None:
    memory = buffer(64 * SECTOR)
    memory[:] = bytes(range(256)) * (len(memory) // 256)

    writer.write(3 * SECTOR, memory)
    writer.flush()

    expected = content[: 3 * SECTOR] + bytes(memory) + content[67 * SECTOR :]
    assert read_back(writer) == expected


def keeps_what_several_threads_wrote(writer: DiskWriter, content: bytes) -> None:
    pieces, length = 16, len(content) // 16 // SECTOR * SECTOR
    memories = [buffer(length) for _ in range(pieces)]
    for number, memory in enumerate(memories):
        memory[:] = bytes([number]) * length

    in_threads(pieces, lambda number: writer.write(number * length, memories[number]))
    writer.flush()

    assert read_back(writer) == b"".join(map(bytes, memories)) + content[pieces * length :]


def writes_the_last_sector_and_none_behind_it(writer: DiskWriter, content: bytes) -> None:
    memory = buffer(2 * SECTOR)
    writer.write(writer.capacity - SECTOR, memory[:SECTOR])
    try:
        writer.write(writer.capacity - SECTOR, memory)
    except DiskTransportError:
        pass
    else:
        raise AssertionError("a write past the end of the disk went through")
    assert writer.capacity == len(content)


def read_back(writer: DiskWriter) -> bytes:
    memory = buffer(writer.capacity)
    writer.read_into(0, memory)
    return bytes(memory)


def in_threads(count: int, call: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            call(number)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


READER_RULES: Final[Mapping[str, Callable[[DiskReader, bytes], None]]] = {
    rule.__name__: rule
    for rule in (
        reads_every_byte_of_the_disk,
        reads_single_sectors_at_both_ends,
        fills_the_slice_it_was_given_and_nothing_else,
        serves_more_threads_than_it_has_handles,
        refuses_bytes_behind_the_end,
        can_be_read_after_a_refusal,
        calls_every_byte_allocated_that_is_not_zero,
        can_be_read_after_asking_for_allocation,
        says_how_its_bytes_travel,
    )
}
WRITER_RULES: Final[Mapping[str, Callable[[DiskWriter, bytes], None]]] = {
    rule.__name__: rule
    for rule in (
        keeps_what_was_written,
        keeps_what_several_threads_wrote,
        writes_the_last_sector_and_none_behind_it,
    )
}
