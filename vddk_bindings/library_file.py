"""Finds the VDDK library in an unpacked distribution and tells its generation, without loading it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vddk_bindings.errors import (
    FolderMissingError,
    LibraryMissingError,
    LibraryTooOldError,
    WrongArchitectureError,
)

GENERATIONS: Final = (9, 8, 7, 6)
"""Major versions these bindings know, newest first."""

_LIBRARY_FOLDER: Final = "lib64"
_NAME_PATTERN: Final = re.compile(r"libvixDiskLib\.so\.(\d+(?:\.\d+)*)")

# ELF header (System V ABI, "ELF Header"): magic, class 2 = 64 bits, data 1 = little endian, e_machine at 18.
_ELF_64_LITTLE_ENDIAN: Final = b"\x7fELF\x02\x01"
_ELF_MACHINE: Final = slice(18, 20)
_ELF_MACHINE_X86_64: Final = 62


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A library that can be loaded.

    `path` is the resolved file, `version` what its name says (at least the major number), `root` the folder
    that InitEx wants as libDir: the one that contains lib64.
    """

    path: Path
    version: tuple[int, ...]
    root: Path

    @property
    def generation(self) -> int:
        """The major version: 6, 7, 8 or 9."""
        return self.version[0]

    @property
    def search_path(self) -> Path:
        """What LD_LIBRARY_PATH must be when a process that loads this library starts."""
        return self.path.parent


def find_library(root: Path) -> LibraryFile:
    """Return the newest library below `root`, the folder of VDDK's archive that contains lib64.

    Raises:
        FolderMissingError: `root` is not a folder.
        LibraryMissingError: there is no library in it.
        LibraryTooOldError: there is only one of VDDK 5 or older.
        WrongArchitectureError: the file is not a 64-bit x86 library.
    """
    if not root.is_dir():
        raise FolderMissingError(f"the VDDK folder {root} does not exist")
    folders = (root / _LIBRARY_FOLDER, root)
    for folder in folders:
        for generation in GENERATIONS:
            candidate = folder / f"libvixDiskLib.so.{generation}"
            if candidate.is_file():
                return _examined(candidate)
    raise _nothing_found(root, folders)


def _examined(candidate: Path) -> LibraryFile:
    # An admin may have linked an old name to a newer library (".so.8" → ".so.9.0.1"): the real name decides.
    path = candidate.resolve()
    version = version_of(path) or version_of(candidate)
    if version is None or version[0] < min(GENERATIONS):
        raise LibraryTooOldError(f"{candidate} is VDDK {path.name}, older than {min(GENERATIONS)}")
    _require_x86_64(path)
    folder = path.parent
    return LibraryFile(path, version, folder.parent if folder.name == _LIBRARY_FOLDER else folder)


def version_of(path: Path) -> tuple[int, ...] | None:
    """Return the version in a library's file name, None where there is none."""
    match = _NAME_PATTERN.fullmatch(path.name)
    return tuple(int(part) for part in match[1].split(".")) if match else None


def _require_x86_64(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(_ELF_MACHINE.stop)
    if not header.startswith(_ELF_64_LITTLE_ENDIAN):
        raise WrongArchitectureError(f"{path} is not a 64-bit little-endian ELF library")
    machine = int.from_bytes(header[_ELF_MACHINE], "little")
    if machine != _ELF_MACHINE_X86_64:
        raise WrongArchitectureError(
            f"{path} is made for ELF machine {machine}, VDDK for x86-64 is {_ELF_MACHINE_X86_64}"
        )


def _nothing_found(root: Path, folders: tuple[Path, ...]) -> LibraryMissingError | LibraryTooOldError:
    names = sorted(path.name for folder in folders for path in folder.glob("libvixDiskLib.so*"))
    versions = [version for name in names if (version := version_of(Path(name)))]
    if versions and max(versions)[0] < min(GENERATIONS):
        return LibraryTooOldError(
            f"{root} holds only {', '.join(names)}; VDDK {min(GENERATIONS)} is the oldest usable"
        )
    seen = f"found {', '.join(names)}" if names else "found no libvixDiskLib at all"
    return LibraryMissingError(f"no usable libvixDiskLib.so in {root} or its {_LIBRARY_FOLDER}: {seen}")
