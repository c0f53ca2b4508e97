"""Giving a finished file its name, if and only if the name is free."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1

_libc = ctypes.CDLL(None, use_errno=True)
_libc.renameat2.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
_libc.renameat2.restype = ctypes.c_int


def publish_file(temporary: Path, target: Path) -> None:
    """Move `temporary` to `target`; the caller has synced the file and syncs the folder.

    A hard link refuses an existing name on every file system that has links; CIFS, exFAT and FAT have
    none, but their exclusive rename is just as good.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file system refused both ways, or failed.
    """
    try:
        os.link(temporary, target, follow_symlinks=False)
    except FileExistsError:
        # NFS repeats a call whose answer was lost: then the name that exists is our own.
        if not temporary.samefile(target):
            raise
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _rename_exclusively(temporary, target)
        return
    temporary.unlink()


def _rename_exclusively(temporary: Path, target: Path) -> None:
    source, destination = os.fsencode(temporary), os.fsencode(target)
    if _libc.renameat2(_AT_FDCWD, source, _AT_FDCWD, destination, _RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
