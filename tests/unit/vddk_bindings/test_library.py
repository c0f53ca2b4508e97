"""Initialising, connecting, holding access and ending, through a compiled stub."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.vddk_bindings.stub_library import THUMBPRINT, Stub
from vddk_bindings import (
    CleanupOutcome,
    ConnectParameters,
    HandleClosedError,
    HostUnavailableError,
    InvalidArgumentError,
    Library,
    LibraryFile,
    LibraryLoadError,
    LibraryStateError,
    LogLevel,
    LogMessage,
    MissingFunctionError,
    NotFoundError,
    OpenFlag,
    PasswordCredentials,
    ProcessGuard,
    SessionCredentials,
    ThreadRuleError,
    UnsupportedOperationError,
    VixError,
    find_library,
)


def test_log_lines_are_formatted_with_their_arguments(library_file: LibraryFile, tmp_path: Path) -> None:
    received: list[LogMessage] = []
    with Library(library_file, ProcessGuard()) as library:
        library.initialise(tmp_path / "vddk.conf", received.append)

        assert library.recent_log() == tuple(received)
    assert received == [
        LogMessage(LogLevel.INFORMATION, f"VDDK 7.0 in {library_file.root} with {tmp_path}/vddk.conf"),
        LogMessage(LogLevel.WARNING, "disk x.vmdk capacity 12345678901 at 42% of 1.50"),
    ]


def test_panic_is_also_written_to_standard_error(
    library_file: LibraryFile, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Library(library_file, ProcessGuard()) as library:
        library.initialise(tmp_path / "panic.conf")

        assert library.recent_log()[-1] == LogMessage(LogLevel.PANIC, "out of luck")
    assert "VDDK panic: out of luck" in capfd.readouterr().err


def test_refused_initialisation_leaves_nothing_running(library_file: LibraryFile) -> None:
    threads = threading.active_count()
    with Library(library_file, ProcessGuard()) as library, pytest.raises(UnsupportedOperationError):
        library.initialise(api_version=(9, 0))

    assert threading.active_count() == threads


def test_library_is_initialised_once_only(library: Library) -> None:
    with pytest.raises(LibraryStateError, match="once"):
        library.initialise()


def test_initialisation_off_the_main_thread_is_refused(library_file: LibraryFile) -> None:
    library = Library(library_file, ProcessGuard())
    with ThreadPoolExecutor(1) as executor, pytest.raises(ThreadRuleError):
        executor.submit(library.initialise).result()


def test_ending_off_the_main_thread_is_refused(library: Library) -> None:
    with ThreadPoolExecutor(1) as executor, pytest.raises(ThreadRuleError):
        executor.submit(library.exit).result()


def test_use_before_initialisation_and_after_the_end_is_refused(
    library_file: LibraryFile, parameters: ConnectParameters
) -> None:
    library = Library(library_file, ProcessGuard())
    with pytest.raises(LibraryStateError):
        library.connect(parameters)
    library.initialise()
    library.exit()
    library.exit()

    with pytest.raises(LibraryStateError):
        library.connect(parameters)


def test_file_the_loader_refuses_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "libvixDiskLib.so.8"
    broken.write_bytes(b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + b"\x3e\x00")

    with pytest.raises(LibraryLoadError, match=str(broken)) as caught:
        Library(find_library(tmp_path))

    assert "LD_LIBRARY_PATH" in caught.value.remedy


def test_password_log_in_reaches_the_library_as_the_abi_wants_it(library: Library, stub: Stub) -> None:
    credentials = PasswordCredentials("administrator@vsphere.local", "pässwörd")
    parameters = ConnectParameters("vcenter.test", credentials, "vm-42", THUMBPRINT, port=8443, nfc_port=9902)

    with library.connect(parameters, snapshot="snapshot-7", transport_modes=("hotadd", "nbdssl")):
        what, *fields = stub.connected()

    assert what == "connect"
    assert fields[:3] == ["moref=vm-42", "vcenter.test", THUMBPRINT]
    assert fields[3:7] == ["1", "administrator@vsphere.local", "pässwörd", "-"]
    assert fields[7:] == ["8443", "9902", "0", "1", "snapshot-7", "hotadd:nbdssl"]


def test_session_log_in_reaches_the_library_as_the_abi_wants_it(library: Library, stub: Stub) -> None:
    parameters = ConnectParameters("vcenter.test", SessionCredentials("cookie", "user", "key"), "vm-42")

    with library.connect(parameters, read_only=False):
        fields = stub.connected()[1:]

    assert fields[2:7] == ["-", "2", "cookie", "user", "key"]
    assert fields[7:] == ["0", "0", "0", "0", "-", "nbdssl"]


def test_refused_connection_is_named_and_leaves_nothing_behind(library: Library, stub: Stub) -> None:
    parameters = ConnectParameters("nowhere", PasswordCredentials("user", "secret"), machine="vm-1")

    with pytest.raises(HostUnavailableError, match="nowhere") as caught:
        library.connect(parameters)

    assert "secret" not in str(caught.value)
    assert stub.live_allocations() == 0


def test_everything_is_given_back_in_the_end(
    library_file: LibraryFile, stub: Stub, parameters: ConnectParameters
) -> None:
    with Library(library_file, ProcessGuard()) as library:
        library.initialise()
        connection = library.connect(parameters)
        connection.open_disk("one")
        connection.open_disk("two")
        library.connect(parameters).open_disk("three")

    assert stub.live_allocations() == 0
    assert stub.functions.stub_ends() == 1


def test_what_fails_to_close_stays_open_and_nothing_is_ended_beneath_it(
    library_file: LibraryFile, stub: Stub, parameters: ConnectParameters
) -> None:
    with Library(library_file, ProcessGuard()) as library:
        library.initialise()
        connection = library.connect(parameters)
        stuck = connection.open_disk("stuck")
        connection.open_disk("one")
        with pytest.raises(HostUnavailableError, match="VixDiskLib_Close"):
            stuck.close()
        stuck.close()
        connection.close()

    statistics = library.statistics()
    assert statistics["VixDiskLib_Close"].calls == 2
    assert "VixDiskLib_Disconnect" not in statistics
    assert stub.functions.stub_ends() == 0


def test_all_opens_and_closes_happen_on_one_thread_whoever_asks(
    library: Library, parameters: ConnectParameters, stub: Stub
) -> None:
    def use_disk(number: int) -> None:
        with library.connect(parameters) as connection, connection.open_disk(f"disk {number}") as disk:
            disk.query_allocated_blocks(0, 128, 128)
        library.prepare_for_access(parameters, "me")
        library.end_access(parameters, "me")

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(use_disk, range(24)))

    assert stub.functions.stub_open_close_threads() == 1
    assert library.statistics()["VixDiskLib_Open"].calls == 24


def test_disk_is_opened_for_reading_on_a_read_only_connection(
    library: Library, parameters: ConnectParameters
) -> None:
    with library.connect(parameters) as connection, connection.open_disk("one") as disk:
        assert disk.transport_mode == "nbdssl"  # the stub's answer to READ_ONLY
    with library.connect(parameters, read_only=False) as connection:
        with connection.open_disk("one") as disk:
            assert disk.transport_mode == "hotadd"
        with connection.open_disk("one", OpenFlag.READ_ONLY | OpenFlag.COMPRESSION_SKIPZ) as disk:
            assert disk.transport_mode == "nbdssl"


def test_refused_open_says_which_disk_and_its_usual_cause(
    library: Library, parameters: ConnectParameters
) -> None:
    with library.connect(parameters) as connection:
        with pytest.raises(NotFoundError, match="missing"):
            connection.open_disk("[store] missing.vmdk")
        with pytest.raises(VixError) as caught:
            connection.open_disk("[store] untrusted.vmdk")
        assert (caught.value.number, caught.value.value) == (1, 0xABCD00000001)
        assert "thumbprint" in caught.value.remedy


def test_error_without_text_of_the_library_is_complete(
    library: Library, parameters: ConnectParameters
) -> None:
    with library.connect(parameters) as connection, pytest.raises(HostUnavailableError) as caught:
        connection.open_disk("busy")

    assert caught.value.library_text == ""
    assert "the object is busy" in str(caught.value)


def test_closed_connection_opens_nothing(library: Library, parameters: ConnectParameters) -> None:
    connection = library.connect(parameters)
    connection.close()
    connection.close()

    with pytest.raises(HandleClosedError):
        connection.open_disk("one")


def test_access_is_held_and_ended_under_one_identity(
    library: Library, parameters: ConnectParameters, stub: Stub
) -> None:
    library.prepare_for_access(parameters, "backup of vm-42")
    held = stub.connected()
    library.end_access(parameters, "backup of vm-42")
    ended = stub.connected()

    assert (held[0], ended[0]) == ("prepare", "end")
    assert held[1:] == ended[1:]
    assert held[-1] == "backup of vm-42"
    assert stub.live_allocations() == 0


def test_clean_up_says_what_it_did_and_names_no_machine(library: Library, stub: Stub) -> None:
    parameters = ConnectParameters("vcenter.test", PasswordCredentials("user", "secret"))

    assert library.cleanup(parameters) == CleanupOutcome(cleaned_up=3, remaining=1)
    assert stub.connected()[:3] == ["cleanup", "-", "vcenter.test"]


def test_clean_up_of_one_machine_or_beside_open_connections_is_refused(
    library: Library, parameters: ConnectParameters
) -> None:
    with pytest.raises(InvalidArgumentError, match="vm-42"):
        library.cleanup(parameters)
    everything = ConnectParameters("vcenter.test", parameters.credentials)
    with library.connect(parameters), pytest.raises(LibraryStateError):
        library.cleanup(everything)


def test_calls_that_would_crash_the_library_do_not_reach_it(
    library: Library, parameters: ConnectParameters, stub: Stub
) -> None:
    nameless = ConnectParameters("vcenter.test", parameters.credentials)
    with pytest.raises(InvalidArgumentError):
        library.connect(nameless)
    with pytest.raises(InvalidArgumentError):
        library.prepare_for_access(nameless, "me")
    with pytest.raises(InvalidArgumentError):
        library.prepare_for_access(parameters, "x" * 51)
    with pytest.raises(InvalidArgumentError):
        library.connect(parameters, transport_modes=())
    with pytest.raises(InvalidArgumentError):
        library.connect(parameters, transport_modes=("nbd:nbdssl",))
    with pytest.raises(InvalidArgumentError):
        library.connect(parameters, snapshot="")

    assert stub.functions.stub_open_close_calls() == 0
    assert stub.live_allocations() == 0


def test_transport_modes_are_listed(library: Library) -> None:
    assert library.transport_modes() == ("file", "san", "hotadd", "nbdssl", "nbd")


def test_old_library_loads_and_misses_functions_only_when_they_are_called(
    old_stub_folder: Path, parameters: ConnectParameters
) -> None:
    with Library(find_library(old_stub_folder), ProcessGuard()) as library:
        library.initialise()
        assert library.recent_log()[0].text.startswith("VDDK 6.0 ")
        with library.connect(parameters) as connection, connection.open_disk("one") as disk:
            assert disk.information().logical_sector_size is None
            disk.read_sectors(0, bytearray(512))
            with pytest.raises(MissingFunctionError, match="VixDiskLib_QueryAllocatedBlocks"):
                disk.query_allocated_blocks(0, 128, 128)
            with pytest.raises(MissingFunctionError, match="VixDiskLib_Flush"):
                disk.flush()
        destination = bytearray(512)
        with library.connect(parameters) as connection, connection.open_disk("one") as disk:
            with pytest.raises(MissingFunctionError, match="VixDiskLib_ReadAsync"):
                disk.read_sectors_async(0, destination, print)
            disk.read_sectors(0, destination)
            destination.clear()


def test_session_cookie_needs_a_library_that_knows_it(old_stub_folder: Path) -> None:
    parameters = ConnectParameters("vcenter.test", SessionCredentials("cookie", "user", "key"), "vm-42")
    with Library(find_library(old_stub_folder), ProcessGuard()) as library:
        library.initialise()
        with pytest.raises(MissingFunctionError, match="AllocateConnectParams"):
            library.connect(parameters)
