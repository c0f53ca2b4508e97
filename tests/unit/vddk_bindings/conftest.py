"""A compiled stub of VDDK's ABI, loaded through the bindings."""

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.vddk_bindings.stub_library import THUMBPRINT, Stub, compile_stub
from vddk_bindings import (
    Connection,
    ConnectParameters,
    Disk,
    Library,
    LibraryFile,
    PasswordCredentials,
    ProcessGuard,
    find_library,
)


@pytest.fixture(scope="session")
def stub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_stub(tmp_path_factory.mktemp("vddk8"), "libvixDiskLib.so.8")


@pytest.fixture(scope="session")
def old_stub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_stub(tmp_path_factory.mktemp("vddk6"), "libvixDiskLib.so.6", "-DSTUB_OLD")


@pytest.fixture
def library_file(stub_folder: Path) -> LibraryFile:
    return find_library(stub_folder)


@pytest.fixture
def stub(library_file: LibraryFile) -> Stub:
    functions = ctypes.CDLL(str(library_file.path))
    functions.stub_reset()
    return Stub(functions)


@pytest.fixture
def library(library_file: LibraryFile, stub: Stub) -> Iterator[Library]:
    with Library(library_file, ProcessGuard()) as library:
        library.initialise()
        yield library


@pytest.fixture
def parameters() -> ConnectParameters:
    credentials = PasswordCredentials("administrator@vsphere.local", "s3cret")
    return ConnectParameters("vcenter.test", credentials, machine="vm-42", thumbprint=THUMBPRINT)


@pytest.fixture
def connection(library: Library, parameters: ConnectParameters) -> Iterator[Connection]:
    with library.connect(
        parameters, snapshot="snapshot-7", transport_modes=("hotadd", "nbdssl")
    ) as connection:
        yield connection


@pytest.fixture
def disk(connection: Connection) -> Iterator[Disk]:
    with connection.open_disk("[store] machine/disk.vmdk") as disk:
        yield disk
