"""Which file of a VDDK folder is loaded."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vddk_bindings import (
    FolderMissingError,
    LibraryFileError,
    LibraryMissingError,
    LibraryTooOldError,
    WrongArchitectureError,
    find_library,
)
from vddk_bindings.library_file import version_of

X86_64 = 62
AARCH64 = 183
I386_HEADER = b"\x7fELF\x01\x01".ljust(16, b"\0") + b"\x03\x00" + b"\x03\x00"


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44)


def place(folder: Path, name: str, *links: str, content: bytes | None = None) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_bytes(elf(X86_64) if content is None else content)
    for link in links:
        (folder / link).symlink_to(name)
    return path


def test_newest_generation_in_lib64_wins(tmp_path: Path) -> None:
    place(tmp_path / "lib64", "libvixDiskLib.so.7.0.3", "libvixDiskLib.so.7")
    newest = place(tmp_path / "lib64", "libvixDiskLib.so.8.0.3", "libvixDiskLib.so.8", "libvixDiskLib.so")
    place(tmp_path, "libvixDiskLib.so.9.0.1", "libvixDiskLib.so.9")

    found = find_library(tmp_path)

    assert (found.path, found.version, found.generation) == (newest, (8, 0, 3), 8)
    assert (found.root, found.search_path) == (tmp_path, tmp_path / "lib64")


def test_real_name_decides_the_generation_not_the_link(tmp_path: Path) -> None:
    place(tmp_path / "lib64", "libvixDiskLib.so.9.1.0.0", "libvixDiskLib.so.8")

    found = find_library(tmp_path)

    assert (found.generation, found.version) == (9, (9, 1, 0, 0))


@pytest.mark.parametrize("generation", [6, 7, 8, 9])
def test_library_without_a_longer_name_is_known_by_its_soname(tmp_path: Path, generation: int) -> None:
    place(tmp_path / "lib64", f"libvixDiskLib.so.{generation}")

    assert find_library(tmp_path).version == (generation,)


def test_folder_of_the_library_itself_is_accepted_as_root(tmp_path: Path) -> None:
    place(tmp_path / "lib64", "libvixDiskLib.so.8.0.3", "libvixDiskLib.so.8")

    found = find_library(tmp_path / "lib64")

    assert found.root == tmp_path


def test_link_to_a_distribution_elsewhere_is_followed(tmp_path: Path) -> None:
    place(tmp_path / "real" / "lib64", "libvixDiskLib.so.8.0.3", "libvixDiskLib.so.8")
    (tmp_path / "current").symlink_to("real")

    found = find_library(tmp_path / "current")

    assert (found.root, found.generation) == (tmp_path / "real", 8)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderMissingError, match="absent") as caught:
        find_library(tmp_path / "absent")

    assert "lib64" in caught.value.remedy


def test_folder_without_library_is_an_error_that_says_what_was_seen(tmp_path: Path) -> None:
    with pytest.raises(LibraryMissingError, match="found no libvixDiskLib"):
        find_library(tmp_path)
    place(tmp_path, "libvixDiskLib.so.12.0.0")
    with pytest.raises(LibraryMissingError, match=r"found libvixDiskLib\.so\.12\.0\.0"):
        find_library(tmp_path)


@pytest.mark.parametrize("link", ["libvixDiskLib.so.5", "libvixDiskLib.so.6"])
def test_too_old_library_is_refused_under_any_name(tmp_path: Path, link: str) -> None:
    place(tmp_path / "lib64", "libvixDiskLib.so.5.5.4", link)

    with pytest.raises(LibraryTooOldError, match=r"5\.5\.4"):
        find_library(tmp_path)


@pytest.mark.parametrize("content", [elf(AARCH64), I386_HEADER, b"", b"\x7fELF", b"#!/bin/sh\n"])
def test_library_for_another_machine_is_refused(tmp_path: Path, content: bytes) -> None:
    place(tmp_path / "lib64", "libvixDiskLib.so.8.0.3", "libvixDiskLib.so.8", content=content)

    with pytest.raises(WrongArchitectureError, match=r"x86|ELF"):
        find_library(tmp_path)


def test_every_file_error_has_code_and_remedy() -> None:
    kinds: list[type[LibraryFileError]] = [LibraryFileError, *LibraryFileError.__subclasses__()]

    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.remedy and not kind.transient for kind in kinds)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_version_in_a_name_is_read_back(version: list[int]) -> None:
    name = "libvixDiskLib.so." + ".".join(map(str, version))

    assert version_of(Path(name)) == tuple(version)
