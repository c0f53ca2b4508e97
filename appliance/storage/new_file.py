"""A file on its way to become an object, written past the page cache where that is worth it.

Measured on ext4: a segment written through the page cache costs a second of system time per GiB more, as
much as compressing 500 MiB, and nobody reads it soon.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from pathlib import Path

from appliance.model.units import KIB, MIB

_FILE_MODE = 0o600
_ALIGNMENT = 4 * KIB
_WORTH_IT = MIB
_STATFS_LENGTH = 256
# Local file systems only: over NFS or CIFS every direct write waits for the server's disk.
_DIRECT_FILE_SYSTEMS = frozenset({0xEF53, 0x58465342, 0x9123683E})  # ext4, XFS, btrfs (statfs(2))

_libc = ctypes.CDLL(None, use_errno=True)


def takes_direct_writes(folder: Path) -> bool:
    """Whether files in `folder` should be written past the page cache."""
    status = ctypes.create_string_buffer(_STATFS_LENGTH)
    if _libc.statfs(os.fsencode(folder), status) != 0:
        return False
    return ctypes.c_long.from_buffer(status).value in _DIRECT_FILE_SYSTEMS


class NewFile:
    """A new file that is appended to; errors are the operating system's own."""

    def __init__(self, path: Path, *, direct: bool) -> None:
        self._path = path
        self._may_be_direct = direct
        self._is_direct = False
        self._length = 0
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)

    def append(self, content: memoryview | bytes) -> None:
        """Put `content` behind what is there."""
        rest = memoryview(content)
        while rest:
            self._choose_way(len(rest))
            written = self._write(rest)
            self._length += written
            rest = rest[written:]

    def sync(self) -> None:
        """Make what was written durable."""
        os.fsync(self._descriptor)

    def discard(self) -> None:
        """Close the file, and remove it where it still has its first name."""
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)

    def _choose_way(self, length: int) -> None:
        fits = length >= _WORTH_IT and length % _ALIGNMENT == 0 and self._length % _ALIGNMENT == 0
        self._set_direct(direct=self._may_be_direct and fits)

    def _write(self, content: memoryview) -> int:
        try:
            return os.write(self._descriptor, content)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._is_direct:
                raise
        # Memory or device is aligned otherwise: the page cache takes everything.
        self._may_be_direct = False
        self._set_direct(direct=False)
        return os.write(self._descriptor, content)

    def _set_direct(self, *, direct: bool) -> None:
        if direct == self._is_direct:
            return
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags ^ os.O_DIRECT)
        except OSError as error:
            if error.errno != errno.EINVAL or not direct:
                raise
            self._may_be_direct = False
            return
        self._is_direct = direct
