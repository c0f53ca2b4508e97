"""Requests that complete on the library's own threads, through a compiled stub."""

import queue
import random

import pytest

from tests.unit.vddk_bindings.stub_library import CAPACITY_SECTORS, FAILING_SECTOR, Stub
from vddk_bindings import (
    Connection,
    Disk,
    HandleBusyError,
    HostUnavailableError,
    Library,
    MixedModeError,
    RejectedArgumentError,
    VixError,
)


class Completions:
    """Takes what the library reports, on its threads."""

    def __init__(self) -> None:
        self.results: queue.SimpleQueue[VixError | None] = queue.SimpleQueue()

    def receive(self, error: VixError | None) -> None:
        self.results.put(error)

    def taken(self) -> list[VixError | None]:
        return [self.results.get_nowait() for _ in range(self.results.qsize())]


def test_queued_writes_and_reads_move_the_same_bytes(connection: Connection) -> None:
    completions = Completions()
    pieces = [random.Random(n).randbytes(4096) for n in range(16)]
    destinations = [bytearray(4096) for _ in pieces]

    with connection.open_disk("one") as disk:
        for number, piece in enumerate(pieces):
            disk.write_sectors_async(number * 8, piece, completions.receive)
        disk.wait()
        disk.flush()
        for number, destination in enumerate(destinations):
            disk.read_sectors_async(number * 8, destination, completions.receive)
        disk.wait()

    assert completions.taken() == [None] * 32
    assert destinations == pieces


def test_memory_is_held_until_completion_and_free_afterwards(disk: Disk, stub: Stub) -> None:
    completions = Completions()
    destination = bytearray(512)
    stub.functions.stub_hold_async(1)
    disk.read_sectors_async(0, destination, completions.receive)

    with pytest.raises(BufferError):
        destination.clear()
    stub.functions.stub_hold_async(0)
    disk.wait()
    destination.clear()

    assert completions.taken() == [None]


def test_failed_request_reports_its_error(disk: Disk) -> None:
    completions = Completions()

    disk.read_sectors_async(FAILING_SECTOR, bytearray(512), completions.receive)
    disk.wait()

    (error,) = completions.taken()
    assert isinstance(error, HostUnavailableError)
    assert error.value == 0x7700000000 + 14011
    assert "[store] machine/disk.vmdk" in str(error)


def test_request_that_was_not_queued_raises_and_never_completes(disk: Disk) -> None:
    completions = Completions()
    destination = bytearray(512)

    with pytest.raises(RejectedArgumentError):
        disk.read_sectors_async(CAPACITY_SECTORS + 1, destination, completions.receive)
    disk.wait()

    destination.clear()
    assert completions.taken() == []


def test_synchronous_after_asynchronous_is_refused(disk: Disk, stub: Stub) -> None:
    completions = Completions()
    disk.read_sectors_async(0, bytearray(512), completions.receive)
    disk.wait()

    with pytest.raises(MixedModeError):
        disk.read_sectors(0, bytearray(512))

    assert stub.functions.stub_transfers() == 1


def test_asynchronous_after_synchronous_is_refused(disk: Disk, stub: Stub) -> None:
    destination = bytearray(512)
    disk.read_sectors(0, bytearray(512))

    with pytest.raises(MixedModeError):
        disk.read_sectors_async(0, destination, Completions().receive)

    destination.clear()
    assert stub.functions.stub_transfers() == 1


def test_flush_is_refused_while_requests_are_queued(disk: Disk, stub: Stub) -> None:
    stub.functions.stub_hold_async(1)
    disk.write_sectors_async(0, bytes(512), Completions().receive)

    with pytest.raises(HandleBusyError, match="queued on"):
        disk.flush()
    stub.functions.stub_hold_async(0)
    disk.wait()
    disk.flush()


def test_close_waits_for_what_is_queued(connection: Connection) -> None:
    completions = Completions()
    disk = connection.open_disk("one")
    for number in range(8):
        disk.read_sectors_async(number, bytearray(512), completions.receive)

    disk.close()

    assert completions.taken() == [None] * 8


def test_completed_requests_are_counted_with_their_bytes(disk: Disk, library: Library) -> None:
    disk.read_sectors_async(0, bytearray(1024), Completions().receive)
    disk.read_sectors_async(FAILING_SECTOR, bytearray(1024), Completions().receive)
    disk.wait()

    reads = library.statistics()["VixDiskLib_ReadAsync"]
    assert (reads.calls, reads.bytes) == (2, 1024)
