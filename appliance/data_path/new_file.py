"""A file that exists only when it is complete.

Where the file system can, it has no name at all while it is written (O_TMPFILE): then not even a killed
process leaves something behind. Elsewhere it has a temporary name beside the target.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from appliance.data_path.errors import (
    OutputExistsError,
    OutputFailedError,
    OutputFolderError,
    OutputFullError,
)

_MODE: Final = 0o600
_NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_DIRECT_ACCESS: Final = frozenset(
    {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT, errno.EACCES, errno.EPERM}
)
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV})
_RENAME_NOREPLACE: Final = 1
_AT_FDCWD: Final = -100


class NewFile:
    """A file being written; any number of threads may write different ranges of it.

    Ranges written with `write_aligned` and those written with `write` must not share a page.
    """

    def __init__(self, target: Path) -> None:
        self.target: Final = target
        self._temporary: Path | None = None
        with _translated(target):
            self._file = self._open()
            self._direct = _open_direct(self._file)

    @property
    def bypasses_cache(self) -> bool:
        """Whether `write_aligned` goes past the page cache: most of a restore's processor time is saved."""
        return self._direct is not None

    def write(self, offset: int, content: bytes | memoryview) -> None:
        """Put all of `content` at `offset`, through the page cache.

        Raises:
            OutputFullError: no space is left.
            OutputFailedError: the file cannot be written.
        """
        with _translated(self.target):
            _write_all(self._file, offset, memoryview(content))

    def write_aligned(self, offset: int, content: memoryview) -> None:
        """Put all of `content`, whole pages in page-aligned memory, at the page-aligned `offset`.

        Raises:
            OutputFullError: no space is left.
            OutputFailedError: the file cannot be written.
        """
        with _translated(self.target):
            _write_all(self._file if self._direct is None else self._direct, offset, content)

    def resize(self, length: int) -> None:
        """Cut the file there, or let it read as zeros up to there without taking space."""
        with _translated(self.target):
            os.ftruncate(self._file, length)

    def publish(self) -> None:
        """Make the content durable, then give the file its name, if nothing has that name.

        Raises:
            OutputExistsError: something has it by now.
            OutputFailedError: the operating system refused.
        """
        with _translated(self.target):
            os.fsync(self._file)
            if self._temporary is None:
                # A descriptor for the source's folder makes Python use linkat(), which follows the symbolic
                # link that an open file is in /proc; plain link() would not.
                source = f"/proc/self/fd/{self._file}"
                os.link(source, self.target, src_dir_fd=self._file, follow_symlinks=True)
            else:
                _rename_without_replacing(self._temporary, self.target)
                self._temporary = None
            _sync_folder(self.target.parent)

    def close(self) -> None:
        """Close it; what was not published is gone."""
        if self._direct is not None:
            os.close(self._direct)
        os.close(self._file)
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def _open(self) -> int:
        try:
            return os.open(self.target.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, _MODE)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}:
                raise
        self._temporary = self.target.with_name(f".{self.target.name}.{os.urandom(8).hex()}.partial")
        return os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)


@contextmanager
def new_file(target: Path) -> Iterator[NewFile]:
    """A file to be written and published as `target`; leaving the context otherwise leaves nothing.

    Raises:
        OutputExistsError: something has that name already.
        OutputFolderError: its folder does not exist or may not be written.
    """
    if os.path.lexists(target):
        raise OutputExistsError(f"{target} exists already")
    file = NewFile(target)
    try:
        yield file
    finally:
        file.close()


@contextmanager
def _translated(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise OutputExistsError(f"{target} exists already") from error
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise OutputFolderError(f"{target} cannot be made: {error.strerror}") from error
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise OutputFullError(f"{target} cannot be completed: {error.strerror}") from error
        if error.errno == errno.EROFS:
            raise OutputFolderError(f"{target} cannot be made: {error.strerror}") from error
        raise OutputFailedError(f"{target} cannot be written: {error.strerror}") from error


def _open_direct(file: int) -> int | None:
    """A second descriptor of the same file that bypasses the page cache, where the file system can."""
    try:
        return os.open(f"/proc/self/fd/{file}", os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _NO_DIRECT_ACCESS:
            return None
        raise


def _write_all(file: int, offset: int, content: memoryview) -> None:
    while content:
        written = os.pwrite(file, content, offset)
        content = content[written:]
        offset += written


def _rename_without_replacing(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        source.unlink()
        return
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(source), os.fsencode(target)
    if libc.renameat2(_AT_FDCWD, old, _AT_FDCWD, new, ctypes.c_uint(_RENAME_NOREPLACE)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # some network file systems cannot sync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
