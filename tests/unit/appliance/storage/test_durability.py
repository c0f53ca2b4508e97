"""The order of system calls: data is synced before it gets a name, the name before anybody relies on it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

KEY = "manifests/machine/point.json"
PUT = f"FileSystemStore({{root!r}}).put_new({KEY!r}, b'x' * 100_000)"
PUT_LARGE = (
    "store = FileSystemStore({root!r})\n"
    f"with store.open_new({KEY!r}) as new:\n"
    "    for _ in range(40):\n"
    "        new.append(b'y' * 100_000)\n"
    "    new.commit()"
)


@dataclass(frozen=True, slots=True)
class Call:
    what: str
    path: str
    target: str


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("recorder") / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    return library


def calls_of(recorder: Path, folder: Path, action: str, *, links: bool = True) -> list[Call]:
    root, log = folder / "repository", folder / "log"
    root.mkdir(exist_ok=True)
    script = f"from appliance.storage import FileSystemStore\n{action.format(root=str(root))}"
    environment = os.environ | {
        "LD_PRELOAD": str(recorder),
        "RECORDER_LOG": str(log),
        "RECORDER_NO_LINKS": "0" if links else "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    lines = [line.split(" ") for line in log.read_text().splitlines()]
    return [Call(line[0], line[1], line[2]) for line in lines if str(root) in line[1]]


@pytest.mark.parametrize("action", [PUT, PUT_LARGE], ids=["small", "large"])
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_an_object_is_synced_then_named_then_its_folders_are_synced(
    recorder: Path, tmp_path: Path, action: str, *, links: bool
) -> None:
    calls = calls_of(recorder, tmp_path, action, links=links)
    root = tmp_path / "repository"

    (named,) = [position for position, call in enumerate(calls) if call.what == "name"]
    assert calls[named].target == str(root / KEY)
    before = [call.path for call in calls[:named] if call.what == "sync"]
    after = [call.path for call in calls[named:] if call.what == "sync"]
    assert calls[named].path in before
    assert str((root / KEY).parent) in after
    made = [call.path for call in calls if call.what == "folder" and "temporary" not in call.path]
    synced_parents = {call.path for call in calls if call.what == "sync"}
    assert {str(Path(folder).parent) for folder in made} <= synced_parents
    assert (root / KEY).stat().st_size in {100_000, 4_000_000}


def test_without_links_an_existing_object_is_still_never_replaced(recorder: Path, tmp_path: Path) -> None:
    calls_of(recorder, tmp_path, PUT, links=False)

    with pytest.raises(subprocess.CalledProcessError):
        calls_of(recorder, tmp_path, PUT.replace("b'x'", "b'z'"), links=False)

    assert (tmp_path / "repository" / KEY).read_bytes() == b"x" * 100_000


def test_a_deletion_is_durable(recorder: Path, tmp_path: Path) -> None:
    calls_of(recorder, tmp_path, PUT)
    (tmp_path / "log").unlink()

    calls = calls_of(recorder, tmp_path, f"FileSystemStore({{root!r}}).delete({KEY!r})")

    assert str((tmp_path / "repository" / KEY).parent) in [call.path for call in calls if call.what == "sync"]
