"""Objects as files of a folder: a local disk, NFS, or any other mount.

Own code rather than a library's, because durability is the point: a file is synced before it gets its
name, and the folder after (docs/repository-format.md, "Write order").
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.clock import Clock
from appliance.storage.errors import ObjectExistsError, ObjectMissingError, RepositoryMissingError
from appliance.storage.file_publication import publish_file, sync_folder
from appliance.storage.new_file import NewFile, takes_direct_writes
from appliance.storage.object_store import RESERVED_WORD, NewObject, ObjectInformation, check_key, is_key
from appliance.storage.system_errors import translated_errors

_FOLDER_MODE = 0o700
LEFTOVER_AGE = timedelta(days=1)
"""A temporary file that nobody has written to for so long belongs to a process that died."""


class _NewFileObject:
    """A file in the store's temporary folder that becomes an object when it is committed."""

    def __init__(self, store: FileSystemStore, key: str, path: Path, file: NewFile) -> None:
        self._store = store
        self._key = key
        self._path = path
        self._file = file

    def append(self, content: memoryview | bytes) -> None:
        with translated_errors(self._store.root, "write", self._key):
            self._file.append(content)

    def commit(self) -> None:
        with translated_errors(self._store.root, "write", self._key):
            self._file.sync()
            self._store.publish(self._path, self._key)


class FileSystemStore:
    """The objects below one folder. Safe for any number of threads and processes at once.

    `landmark` is an object that is there as long as the folder is the one that is meant. An unmounted share
    leaves an empty folder: without a landmark it would be filled, and an empty listing be believed.
    """

    def __init__(self, root: Path | str, landmark: str | None = None) -> None:
        self.root = Path(root)
        self._landmark = landmark
        self._writes_directly = takes_direct_writes(self.root)
        self._durable_folders: set[Path] = set()
        self._lock = threading.Lock()

    def put_new(self, key: str, content: bytes) -> None:
        """Create one object, durable on return."""
        with self.open_new(key) as new_object:
            new_object.append(content)
            new_object.commit()

    @contextmanager
    def open_new(self, key: str) -> Iterator[NewObject]:
        """Begin one large object; it appears when it is committed, or never."""
        check_key(key)
        with translated_errors(self.root, "write", key):
            self._require_root()
            folder = self.root / RESERVED_WORD
            folder.mkdir(_FOLDER_MODE, exist_ok=True)
            path = folder / os.urandom(16).hex()
            file = NewFile(path, direct=self._writes_directly)
        try:
            yield _NewFileObject(self, key, path, file)
        finally:
            file.discard()

    def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """`length` bytes from `offset`, or all the rest."""
        with self._open_for_reading(key) as descriptor:
            if length is None:
                length = max(os.fstat(descriptor).st_size - offset, 0)
            content = bytearray(length)
            return bytes(memoryview(content)[: _fill(descriptor, offset, memoryview(content))])

    def read_into(self, key: str, offset: int, destination: memoryview) -> int:
        """Fill `destination` as far as the object goes."""
        with self._open_for_reading(key) as descriptor:
            return _fill(descriptor, offset, destination)

    def information(self, key: str) -> ObjectInformation | None:
        """What a listing would say of `key`."""
        check_key(key)
        with translated_errors(self.root, "look at", key):
            self._require_root()
            try:
                status = (self.root / key).lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
            return _information(key, status) if stat.S_ISREG(status.st_mode) else None

    def list(self, prefix: str) -> Iterator[ObjectInformation]:
        """Every object below `prefix`, in the order of their keys."""
        if prefix:
            check_key(prefix.removesuffix("/"))
        with translated_errors(self.root, "list", prefix):
            self._require_root()
        yield from self._walk(prefix)

    def delete(self, key: str) -> None:
        """Remove an object, durably, if it is there."""
        check_key(key)
        with translated_errors(self.root, "delete", key):
            self._require_root()
            try:
                (self.root / key).unlink()
            except (FileNotFoundError, NotADirectoryError):
                return
            sync_folder((self.root / key).parent)

    def free_space(self) -> int | None:
        """Bytes that an unprivileged user may still write."""
        with translated_errors(self.root, "ask for the free space of", ""):
            self._require_root()
            status = os.statvfs(self.root)
            return status.f_bavail * status.f_frsize

    def remove_leftovers(self, clock: Clock) -> int:
        """Delete what processes that died left half-written; the number of files."""
        removed = 0
        folder = self.root / RESERVED_WORD
        with translated_errors(self.root, "clean up", RESERVED_WORD):
            self._require_root()
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if clock.now() - modified > LEFTOVER_AGE:
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed

    def publish(self, temporary: Path, key: str) -> None:
        """Give a synced file its name and make the name durable.

        Raises:
            ObjectExistsError: the name is taken; it is durable, whoever made it.
        """
        target = self.root / key
        self._make_durable_folder(target.parent)
        try:
            publish_file(temporary, target)
        except FileExistsError as error:
            sync_folder(target.parent)
            raise ObjectExistsError(key) from error
        sync_folder(target.parent)

    def _require_root(self) -> None:
        """Never create the root: an unmounted share would be filled below its mount point.

        Raises:
            RepositoryMissingError: the landmark is not there.
        """
        self.root.stat()
        if self._landmark is None:
            return
        try:
            (self.root / self._landmark).lstat()
        except FileNotFoundError as error:
            message = f"{self.root} does not hold {self._landmark}: what was mounted there is away"
            raise RepositoryMissingError(message) from error

    def _make_durable_folder(self, folder: Path) -> None:
        # Also a folder that is there already: whoever made it may have died before it was synced.
        if folder == self.root or folder in self._durable_folders:
            return
        self._make_durable_folder(folder.parent)
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
        sync_folder(folder.parent)
        with self._lock:
            self._durable_folders.add(folder)

    @contextmanager
    def _open_for_reading(self, key: str) -> Iterator[int]:
        check_key(key)
        with translated_errors(self.root, "read", key):
            try:
                descriptor = os.open(self.root / key, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except (FileNotFoundError, NotADirectoryError) as error:
                self.root.stat()
                if key != self._landmark:
                    self._require_root()
                raise ObjectMissingError(key) from error
            try:
                yield descriptor
            finally:
                os.close(descriptor)

    def _walk(self, prefix: str) -> Iterator[ObjectInformation]:
        with translated_errors(self.root, "list", prefix):
            try:
                with os.scandir(self.root / prefix) as entries:
                    # A folder sorts as its objects' keys do: with the slash behind its name.
                    names = sorted(
                        entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
                        for entry in entries
                    )
            except FileNotFoundError:
                self._require_root()
                return
        for name in names:
            if not is_key(prefix + name.removesuffix("/")):
                continue
            if name.endswith("/"):
                yield from self._walk(prefix + name)
            elif (found := self.information(prefix + name)) is not None:
                yield found


def _information(key: str, status: os.stat_result) -> ObjectInformation:
    return ObjectInformation(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _fill(descriptor: int, offset: int, destination: memoryview) -> int:
    position = 0
    while position < len(destination):
        count = os.preadv(descriptor, [destination[position:]], offset + position)
        if count == 0:
            break
        position += count
    return position
