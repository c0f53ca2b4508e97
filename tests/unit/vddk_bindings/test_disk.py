"""Transfers, information and metadata of one open disk, through a compiled stub."""

import ctypes
import mmap
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.vddk_bindings.stub_library import (
    BLOCKING_SECTOR,
    CAPACITY_SECTORS,
    FAILING_SECTOR,
    Stub,
)
from vddk_bindings import (
    AdapterType,
    Connection,
    Disk,
    DiskGeometry,
    HandleBusyError,
    HandleClosedError,
    HostUnavailableError,
    InvalidArgumentError,
    Library,
    MetadataKeyMissingError,
    RejectedArgumentError,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(start=st.integers(0, 3900), count=st.integers(1, 64), seed=st.integers())
def test_sectors_written_are_read_back(disk: Disk, start: int, count: int, seed: int) -> None:
    content = random.Random(seed).randbytes(count * 512)
    destination = bytearray(count * 512)

    disk.write_sectors(start, content)
    disk.read_sectors(start, destination)

    assert destination == content


def test_part_of_a_larger_buffer_is_filled_and_nothing_around_it(disk: Disk) -> None:
    disk.write_sectors(5, b"\xaa" * 512)
    buffer = bytearray(3 * 512)

    disk.read_sectors(5, memoryview(buffer)[512:1024])

    assert buffer == bytes(512) + b"\xaa" * 512 + bytes(512)


def test_a_read_only_view_can_be_written_to_the_disk(disk: Disk) -> None:
    content = b"".join(bytes([n]) * 512 for n in range(4))

    disk.write_sectors(0, memoryview(content)[512:1536])

    destination = bytearray(1024)
    disk.read_sectors(0, destination)
    assert destination == content[512:1536]


def test_transfer_by_address_uses_the_callers_own_pages(disk: Disk) -> None:
    with mmap.mmap(-1, 8192) as pages:
        address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        pages[:1024] = b"\x5a" * 1024

        disk.write_from_address(10, 2, address)
        disk.read_into_address(11, 2, address + 4096)

        assert pages[4096:5120] == b"\x5a" * 512 + bytes(512)


def test_memory_is_given_back_after_a_transfer(disk: Disk) -> None:
    destination = bytearray(512)
    disk.read_sectors(0, destination)
    with pytest.raises(HostUnavailableError):
        disk.read_sectors(FAILING_SECTOR, destination)

    destination.clear()  # BufferError if something still held it

    assert not destination


def test_read_only_memory_is_refused_before_the_library_sees_it(disk: Disk, stub: Stub) -> None:
    with pytest.raises(BufferError):
        disk.read_sectors(0, bytes(512))

    assert stub.functions.stub_transfers() == 0


def test_memory_with_gaps_is_refused(disk: Disk) -> None:
    with pytest.raises(BufferError):
        disk.read_sectors(0, memoryview(bytearray(2048))[::2])


@pytest.mark.parametrize("size", [0, 1, 511, 513])
def test_memory_that_is_not_whole_sectors_is_refused(disk: Disk, stub: Stub, size: int) -> None:
    with pytest.raises(InvalidArgumentError, match=f"{size} bytes"):
        disk.read_sectors(0, bytearray(size))

    assert stub.functions.stub_transfers() == 0


def test_error_keeps_all_64_bits_and_says_what_and_what_to_do(disk: Disk) -> None:
    with pytest.raises(HostUnavailableError) as caught:
        disk.read_sectors(FAILING_SECTOR, bytearray(512))

    error = caught.value
    assert (error.number, error.value) == (14011, 0x7700000000 + 14011)
    assert (error.code, error.name) == ("VIX-14011", "VIX_E_HOST_TCP_CONN_LOST")
    assert (error.library_text, error.function) == ("stub error 14011", "VixDiskLib_Read")
    assert error.transient
    assert "[store] machine/disk.vmdk" in str(error)


def test_text_of_an_error_is_freed(disk: Disk, stub: Stub) -> None:
    before = stub.live_allocations()

    with pytest.raises(RejectedArgumentError):
        disk.read_sectors(CAPACITY_SECTORS, bytearray(512))

    assert stub.live_allocations() == before


def test_information_is_copied_and_freed(disk: Disk, stub: Stub) -> None:
    before = stub.live_allocations()

    information = disk.information()

    assert stub.live_allocations() == before
    assert information.capacity_sectors == CAPACITY_SECTORS
    assert information.capacity == CAPACITY_SECTORS * 512
    assert information.bios_geometry == DiskGeometry(1024, 255, 63)
    assert information.physical_geometry == DiskGeometry(5, 16, 62)
    assert information.adapter_type is AdapterType.SCSI_LSILOGIC
    assert (information.link_count, information.uuid) == (2, "60 00 C2 9a")
    assert information.parent_file_name_hint is None
    assert (information.logical_sector_size, information.physical_sector_size) == (512, 4096)


def test_second_thread_in_one_handle_is_refused_and_the_first_goes_on(disk: Disk, stub: Stub) -> None:
    destination = bytearray(512)
    with ThreadPoolExecutor(1) as executor:
        reading = executor.submit(disk.read_sectors, BLOCKING_SECTOR, destination)
        stub.functions.stub_wait_until_reading()
        try:
            with pytest.raises(HandleBusyError):
                disk.read_sectors(0, bytearray(512))
            with pytest.raises(HandleBusyError):
                disk.close()
        finally:
            stub.functions.stub_release()
        reading.result()

    assert stub.functions.stub_transfers() == 1


def test_two_handles_read_side_by_side(connection: Connection, stub: Stub) -> None:
    with connection.open_disk("one") as first, connection.open_disk("two") as second:
        reading = threading.Thread(target=first.read_sectors, args=(BLOCKING_SECTOR, bytearray(512)))
        reading.start()
        stub.functions.stub_wait_until_reading()

        second.read_sectors(0, bytearray(512))

        assert reading.is_alive()
        stub.functions.stub_release()
        reading.join()


def test_closed_disk_is_refused(connection: Connection) -> None:
    disk = connection.open_disk("one")
    disk.close()
    disk.close()

    with pytest.raises(HandleClosedError):
        disk.read_sectors(0, bytearray(512))
    with pytest.raises(HandleClosedError):
        disk.information()


def test_metadata_is_read_written_and_listed(disk: Disk) -> None:
    disk.write_metadata("note", "kept for a test")

    assert disk.read_metadata("note") == "kept for a test"
    assert disk.read_metadata("uuid") == "60 00 C2 9a"
    assert disk.metadata_keys() == ["adapterType", "uuid"]


def test_missing_metadata_key_is_its_own_error(disk: Disk) -> None:
    with pytest.raises(MetadataKeyMissingError, match="toolsVersion"):
        disk.read_metadata("toolsVersion")


def test_metadata_that_the_library_would_cut_is_refused(disk: Disk) -> None:
    with pytest.raises(InvalidArgumentError):
        disk.write_metadata("note", "one\0two")
    with pytest.raises(InvalidArgumentError):
        disk.read_metadata("no\0te")


def test_flush_reaches_the_library(disk: Disk, library: Library) -> None:
    disk.flush()

    assert library.statistics()["VixDiskLib_Flush"].calls == 1


def test_statistics_count_calls_bytes_and_time(disk: Disk, library: Library) -> None:
    disk.read_sectors(0, bytearray(1024))
    disk.read_sectors(0, bytearray(512))
    with pytest.raises(HostUnavailableError):
        disk.read_sectors(FAILING_SECTOR, bytearray(512))

    reads = library.statistics()["VixDiskLib_Read"]
    assert (reads.calls, reads.bytes) == (3, 1536)
    assert reads.seconds > 0
