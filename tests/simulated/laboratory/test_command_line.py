from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from keepline_lab import Simulators
from keepline_lab.guest import ensure_guest

PROGRAM = Path(sys.executable).parent / "keepline-lab"
MIB = 1 << 20


def lab(*arguments: str | Path, status: int = 0) -> str:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


@contextmanager
def started(folder: Path, *options: str | Path) -> Iterator[None]:
    lab("up", "--folder", folder, *options)
    try:
        yield
    finally:
        lab("down", "--folder", folder)


@pytest.fixture
def image(tmp_path: Path, simulators: Simulators) -> Path:
    (tmp_path / "disk.img").write_bytes(os.urandom(MIB))
    return tmp_path / "disk.img"


def test_a_stranger_starts_changes_stops_and_resumes_a_lab(tmp_path: Path, image: Path) -> None:
    folder, second = tmp_path / "lab", tmp_path / "second.img"
    note = tmp_path / "note.txt"
    note.write_bytes(b"from afar")
    second.write_bytes(image.read_bytes()[:-65536] + b"\x01" * 65536)
    with started(folder, "--machine", f"web-01={image}", "--machine", "empty:1M,2M"):
        document = json.loads(lab("status", "--folder", folder, "--json"))
        assert [machine["name"] for machine in document["machines"]] == ["web-01", "empty"]
        assert json.loads((folder / "lab.json").read_text()) == document
        disk = Path(document["machines"][0]["disks"][0]["file"])
        assert disk.read_bytes() == image.read_bytes()
        lab("write", "web-01", "0", "--folder", folder, "--replace-with", second)
        assert disk.read_bytes() == second.read_bytes()
    with started(folder):
        again = json.loads(lab("status", "--folder", folder, "--json"))
        assert again | {"process": 0} == document | {"process": 0}
        lab("write", "web-01", "Hard disk 1", "--folder", folder, "--offset", "64K", "--file", note)
        assert disk.read_bytes()[65536:65545] == b"from afar"


def test_extents_are_written_from_an_image(tmp_path: Path, image: Path) -> None:
    folder = tmp_path / "lab"
    (tmp_path / "extents.json").write_text("[[0, 512], [4096, 512]]")
    with started(folder, "--machine", "empty:1M"):
        options: list[str | Path] = ["--extents", tmp_path / "extents.json", "--file", image]
        lab("write", "empty", "0", "--folder", folder, *options)
        disk = Path(
            json.loads(lab("status", "--folder", folder, "--json"))["machines"][0]["disks"][0]["file"]
        )
        content = image.read_bytes()
        expected = content[:512] + bytes(3584) + content[4096:4608] + bytes(MIB - 4608)
        assert disk.read_bytes() == expected


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_lab_in_the_foreground_ends_on_request(tmp_path: Path, image: Path, ending: signal.Signals) -> None:
    folder = tmp_path / "lab"
    command: list[str | Path] = [PROGRAM, "up", "--foreground", "--json", "--folder", folder]
    command += ["--machine", f"web-01={image}"]
    in_the_background = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)  # as "&" in a shell script
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=in_the_background,  # noqa: PLW1509 - this process has no threads at this moment
    ) as process:
        assert process.stderr is not None
        while "running until" not in process.stderr.readline():
            pass
        lab("status", "--folder", folder)
        process.send_signal(ending)
        assert process.communicate()[1].splitlines() == ["keepline-lab: stopping"]
    assert process.returncode == 0
    lab("status", "--folder", folder, status=1)


def test_a_lab_in_the_foreground_says_when_its_vcenter_dies(tmp_path: Path, image: Path) -> None:
    folder = tmp_path / "lab"
    command: list[str | Path] = [PROGRAM, "up", "--foreground", "--json", "--folder", folder]
    command += ["--machine", f"web-01={image}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while not (folder / "lab.json").exists():
            process.stdout.readline()
        os.kill(json.loads((folder / "lab.json").read_text())["process"]["number"], signal.SIGKILL)
        assert "ended by itself: see" in process.communicate()[1]
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["status"], "no laboratory was started in"),
        (["down"], "no laboratory was started in"),
        (
            ["write", "web-01", "0", "--offset", "0", "--file", "/etc/hostname"],
            "no laboratory was started in",
        ),
        (["guest", "advance", "1"], "no laboratory was started in"),
        (["up", "--machine", "web-01"], "is neither NAME:SIZE"),
        (["up", "--machine", "web-01:7"], "must be a positive multiple of 512"),
        (["up", "--machine", "web-01=/nowhere.img"], "/nowhere.img does not exist"),
        (["up", "--vddk-version", "5.5"], "there is no simulated VDDK 5.5"),
        (["up", "--transport", "pigeon"], "there is no transport mode 'pigeon'"),
        (["up", "--latency", "nbd=slow"], "is not MODE=NUMBER"),
    ],
)
def test_bad_input_gets_one_sentence(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    error = lab(*arguments, "--folder", tmp_path / "lab", status=1)
    assert complaint in error
    assert error.count("\n") == 1
    assert not (tmp_path / "lab").exists()


def test_bad_input_to_a_running_lab_gets_one_sentence(tmp_path: Path, image: Path) -> None:
    folder = tmp_path / "lab"
    file: list[str | Path] = ["--offset", "0", "--file", image]
    with started(folder, "--machine", f"web-01={image}"):
        for arguments, complaint in (
            (["write", "web-02", "0", *file], "no machine 'web-02', only web-01"),
            (["write", "web-01", "1", *file], "has no disk '1', only 'Hard disk 1'"),
            (["write", "web-01", "0", "--offset", "0", "--file", "/nowhere"], "/nowhere does not exist"),
            (["write", "web-01", "0", "--offset", "x", "--file", image], "'x' is not a number of bytes"),
            (["write", "web-01", "0", "--offset", "1M", "--file", image], "outside the disk"),
            (["write", "web-01", "0", "--file", image], "say one of"),
            (["write", "web-01", "0", "--replace-with", "/nowhere"], "/nowhere does not exist"),
            (["guest", "advance", "1"], "has no guest"),
            (["up"], "runs already"),
            (["up", "--machine", "more:1M"], "holds a laboratory already"),
        ):
            error = lab(*arguments, "--folder", folder, status=1)
            assert complaint in error
            assert error.count("\n") == 1
    assert "does not run: start it with" in lab("status", "--folder", folder, status=1)
    assert "does not run: start it with" in lab("down", "--folder", folder, status=1)


@pytest.mark.guest
def test_the_guest_of_a_lab_lives_on_epoch_by_epoch(tmp_path: Path, simulators: Simulators) -> None:
    guest, folder = ensure_guest(), tmp_path / "lab"
    with started(folder, "--guest"):
        document = json.loads(lab("status", "--folder", folder, "--json"))
        files = [Path(disk["file"]) for disk in document["machines"][0]["disks"]]
        assert [file.stat().st_size for file in files] == [disk.capacity for disk in guest.disks]
        lab("guest", "advance", "2", "--folder", folder)
        for disk, file in zip(guest.disks, files, strict=True):
            guest.write_epoch_image(disk.name, 2, tmp_path / "expected.img")
            subprocess.run(["cmp", tmp_path / "expected.img", file], check=True)
        assert "already; time only goes forward" in lab("guest", "advance", "2", "--folder", folder, status=1)
        assert "epochs 1 to 4, not 5" in lab("guest", "advance", "5", "--folder", folder, status=1)
