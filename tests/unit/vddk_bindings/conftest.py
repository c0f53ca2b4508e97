"""A compiled stub of VDDK's ABI, loaded through the bindings."""

import ctypes
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vddk_bindings import (
    ConnectParameters,
    Connection,
    Disk,
    Library,
    LibraryFile,
    PasswordCredentials,
    ProcessGuard,
    find_library,
)

SOURCE = Path(__file__).parent / "stub" / "vddk_stub.c"
THUMBPRINT = ":".join(["AB"] * 20)


@dataclass(frozen=True, slots=True)
class Stub:
    """The stub's own functions: what it was asked, and when it may go on."""

    functions: Any  # ctypes resolves its attributes at run time

    def live_allocations(self) -> int:
        return int(self.functions.stub_live_allocations())

    def connected(self) -> list[str]:
        self.functions.stub_connected.restype = ctypes.c_char_p
        text: bytes = self.functions.stub_connected()
        return text.decode().split("|")


def compile_stub(folder: Path, soname: str, *flags: str) -> Path:
    """Return a VDDK folder that holds the stub as `lib64/<soname>.0.1`."""
    library = folder / "lib64" / f"{soname}.0.1"
    library.parent.mkdir()
    compiler = ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", library, SOURCE, "-lpthread", *flags]
    subprocess.run(compiler, check=True)
    (library.parent / soname).symlink_to(library.name)
    return folder


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
