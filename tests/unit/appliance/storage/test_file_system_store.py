"""What only the file-system store promises: nothing half-written is seen, every error has its name."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.clock import ManualClock
from appliance.storage import (
    FileSystemStore,
    NewObject,
    ObjectExistsError,
    ObjectMissingError,
    RepositoryFullError,
    RepositoryMissingError,
    RepositoryPermissionError,
    StoreFailureError,
)
from appliance.storage.file_publication import publish_file
from appliance.storage.system_errors import translate

NOBODY = 65_534


@pytest.fixture
def store(tmp_path: Path) -> FileSystemStore:
    return FileSystemStore(tmp_path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are for their owner alone."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to do everything; someone else has not got it anyway."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def file_size_limit(length: int) -> Iterator[None]:
    """The operating system refuses to let files grow past `length`."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_object_is_a_file_for_its_owner_alone(store: FileSystemStore, tmp_path: Path) -> None:
    store.put_new("manifests/machine/point.json", b"{}")

    path = tmp_path / "manifests/machine/point.json"
    assert path.read_bytes() == b"{}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.stat().st_nlink == 1


def test_nothing_temporary_is_left_behind(store: FileSystemStore, tmp_path: Path) -> None:
    store.put_new("a", b"1")
    with pytest.raises(ObjectExistsError):
        store.put_new("a", b"2")
    with store.open_new("b") as new_object:
        new_object.append(b"given up")

    assert files_in(tmp_path) == ["a"]


def test_unfinished_and_foreign_files_are_not_listed(store: FileSystemStore, tmp_path: Path) -> None:
    store.put_new("a/b", b"")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "lost+found" / "c").touch()
    (tmp_path / "a" / ".nfs0001").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a/b")
    with store.open_new("unfinished") as new_object:
        new_object.append(b"1")

        assert [found.key for found in store.list("")] == ["a/b"]


def test_a_link_is_not_followed(store: FileSystemStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")

    with pytest.raises(StoreFailureError):
        store.read("link")
    assert store.information("link") is None


@pytest.mark.parametrize("length", [1, 4096, 1 << 20, (1 << 20) + 4096, (2 << 20) + 1, 5 << 20])
def test_pieces_of_any_length_make_up_the_object(store: FileSystemStore, length: int) -> None:
    pieces = [os.urandom(length), os.urandom(100), os.urandom(2 << 20), os.urandom(length)]
    with store.open_new("large") as new_object:
        for piece in pieces:
            new_object.append(piece)
        new_object.commit()

    assert store.read("large") == b"".join(pieces)


def test_unaligned_memory_is_written_through_the_page_cache(store: FileSystemStore) -> None:
    memory = memoryview(bytearray(os.urandom((4 << 20) + 1)))[1:]
    with store.open_new("large") as new_object:
        new_object.append(memory[: 2 << 20])
        new_object.append(memory[2 << 20 :])
        new_object.commit()

    assert store.read("large") == bytes(memory)


def test_a_folder_that_is_gone_is_said_to_be_gone_and_never_made(tmp_path: Path) -> None:
    store = FileSystemStore(tmp_path / "not-mounted")

    for attempt in (
        lambda: store.put_new("a", b""),
        lambda: store.read("a"),
        lambda: store.information("a"),
        lambda: list(store.list("")),
        lambda: store.delete("a"),
        store.free_space,
        lambda: store.remove_leftovers(ManualClock()),
    ):
        with pytest.raises(RepositoryMissingError, match="not-mounted does not exist"):
            attempt()
    assert not (tmp_path / "not-mounted").exists()


def test_an_unmounted_share_is_away_and_its_mount_point_is_left_empty(tmp_path: Path) -> None:
    """What is left is an empty folder: nothing may be written there, and nothing it says be believed."""
    FileSystemStore(tmp_path).put_new("landmark", b"")
    store = FileSystemStore(tmp_path, "landmark")
    store.put_new("folder/a", b"here")
    (tmp_path / "landmark").unlink()
    before = sorted(tmp_path.rglob("*"))

    for attempt in (
        lambda: store.put_new("b", b""),
        lambda: store.read("gone"),
        lambda: store.read_into("gone", 0, memoryview(bytearray(1))),
        lambda: store.information("folder/a"),
        lambda: list(store.list("")),
        lambda: store.delete("folder/a"),
        store.free_space,
        lambda: store.remove_leftovers(ManualClock()),
    ):
        with pytest.raises(RepositoryMissingError, match="does not hold landmark: what was mounted there is"):
            attempt()
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(ObjectMissingError):
        store.read("landmark")


def test_a_folder_that_may_not_be_written_is_a_matter_of_permission(open_folder: Path) -> None:
    with as_nobody(), pytest.raises(RepositoryPermissionError, match="cannot write a in"):
        FileSystemStore(open_folder).put_new("a", b"")


def test_a_folder_that_may_not_be_read_is_a_matter_of_permission(open_folder: Path) -> None:
    FileSystemStore(open_folder).put_new("folder/a", b"")
    (open_folder / "folder").chmod(0)
    with as_nobody():
        store = FileSystemStore(open_folder)
        with pytest.raises(RepositoryPermissionError, match="cannot read folder/a"):
            store.read("folder/a")
        with pytest.raises(RepositoryPermissionError, match="cannot list folder/"):
            list(store.list(""))
    (open_folder / "folder").chmod(0o700)


@pytest.mark.parametrize("length", [3 << 20, 100])
def test_no_space_leaves_nothing_and_says_so(store: FileSystemStore, tmp_path: Path, length: int) -> None:
    def write(new_object: NewObject) -> None:
        new_object.append(os.urandom(length))
        new_object.commit()

    with file_size_limit(min(length - 1, 2 << 20)):
        with store.open_new("large") as new_object, pytest.raises(RepositoryFullError, match="write large"):
            write(new_object)
        assert files_in(tmp_path) == []

    with store.open_new("large") as new_object:
        write(new_object)
    assert files_in(tmp_path) == ["large"]


FILL_A_SMALL_DISK = """
import sys
from appliance.storage import FileSystemStore, RepositoryFullError
store = FileSystemStore(sys.argv[1])
store.put_new("small", b"1")
try:
    store.put_new("large", bytes(4 << 20))
except RepositoryFullError as error:
    print(error)
print([found.key for found in store.list("")], store.free_space() > 500_000)
"""


def test_a_really_full_file_system_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(FILL_A_SMALL_DISK)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=1m none {disk} && exec {sys.executable} {script} {disk}"
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount]
    if subprocess.run([*command[:3], "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system has no user namespaces")

    finished = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())}
    )

    assert finished.stdout.splitlines() == [
        f"cannot write large in {disk}: No space left on device",
        "['small'] True",
    ]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, RepositoryFullError),
        (errno.EDQUOT, RepositoryFullError),
        (errno.EROFS, RepositoryPermissionError),
        (errno.EACCES, RepositoryPermissionError),
        (errno.EIO, StoreFailureError),
        (errno.ESTALE, StoreFailureError),
        (errno.ENOENT, ObjectMissingError),
    ],
)
def test_every_error_of_the_system_has_a_name_of_ours(
    tmp_path: Path, number: int, expected: type[Exception]
) -> None:
    error = translate(OSError(number, os.strerror(number)), tmp_path, "write", "a/b")

    assert type(error) is expected
    assert "a/b" in str(error)


def test_leftovers_of_dead_processes_are_removed_after_a_day(store: FileSystemStore, tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    store.put_new("a", b"")
    for name, age in (("old", timedelta(days=1, seconds=1)), ("young", timedelta(hours=23))):
        path = tmp_path / "temporary" / name
        path.touch()
        os.utime(path, times=((now - age).timestamp(),) * 2)

    assert store.remove_leftovers(ManualClock(now)) == 1
    assert files_in(tmp_path) == ["a", "temporary/young"]


def test_a_store_without_leftovers_has_none_to_remove(store: FileSystemStore) -> None:
    assert store.remove_leftovers(ManualClock()) == 0


def test_a_link_whose_answer_was_lost_is_a_success(tmp_path: Path) -> None:
    temporary, target = tmp_path / "temporary", tmp_path / "target"
    temporary.write_bytes(b"mine")
    os.link(temporary, target)

    publish_file(temporary, target)

    assert files_in(tmp_path) == ["target"]


def test_a_name_that_somebody_else_took_is_refused(tmp_path: Path) -> None:
    temporary, target = tmp_path / "temporary", tmp_path / "target"
    temporary.write_bytes(b"mine")
    target.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        publish_file(temporary, target)
    assert target.read_bytes() == b"theirs"
