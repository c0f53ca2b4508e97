"""The folder as a whole: versions, decoys, a library for another machine."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulated.vddk_simulator.conftest import Installation, make

pytestmark = pytest.mark.simulated

WITHOUT_PATH = {"LD_LIBRARY_PATH": ""}
SYSTEM_PYTHON = Path("/usr/bin/python3")


@pytest.mark.parametrize(
    ("version", "soname", "present"),
    [
        ("6.5.4", "libvixDiskLib.so.6", ["Wait", "ReadAsync", "ConnectEx"]),
        ("6.7.3", "libvixDiskLib.so.6", None),
        ("7.0.3", "libvixDiskLib.so.7", None),
        ("8.0.3", "libvixDiskLib.so.8", None),
        ("9.0.1", "libvixDiskLib.so.9", None),
    ],
)
def test_variant_has_the_functions_and_names_of_its_version(
    installation: Installation, version: str, soname: str, present: list[str] | None
) -> None:
    for old in (installation.folder / "lib64").glob("libvixDiskLib*"):
        old.unlink()
    installation.install(version)
    installation.configure(version=version)

    everything = [
        "AllocateConnectParams",
        "QueryAllocatedBlocks",
        "FreeBlockList",
        "Wait",
        "ReadAsync",
        "ConnectEx",
    ]
    assert installation.run("scenarios.functions").result == (present or everything)
    assert str((installation.folder / "lib64" / "libvixDiskLib.so").readlink()) == soname
    assert str((installation.folder / "lib64" / soname).readlink()) == f"libvixDiskLib.so.{version}"


def test_client_of_6_5_brings_its_own_parameters(installation: Installation) -> None:
    installation.install("6.5.4")
    installation.configure(version="6.5.4")

    assert installation.run("scenarios.old_life").result == [0, 0, 0]


def test_library_for_another_machine_cannot_be_loaded(built: Path, tmp_path: Path) -> None:
    make("wrong-architecture", f"DEST={tmp_path}")

    with pytest.raises(OSError, match=r"libvixDiskLib\.so\.8"):
        ctypes.CDLL(str(tmp_path / "lib64" / "libvixDiskLib.so.8"))


@pytest.mark.parametrize("module", ["ssl", "hashlib", "pyarrow"])
def test_bundled_library_bound_by_the_client_ends_the_process(
    installation: Installation, module: str
) -> None:
    for environment in (WITHOUT_PATH, None):
        diagnosis = installation.run("scenarios.import_late", module, environment=environment).diagnosis

        assert "of the VDDK folder was bound" in diagnosis
        assert module.removesuffix("lib") in diagnosis


def test_harmless_modules_may_be_imported(installation: Installation) -> None:
    assert installation.run("scenarios.import_late", "blake3", "zstandard", "mmap").result == "imported"


def python_with_decoys(
    installation: Installation, python: Path, code: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(installation.folder / "lib64")}
    command = [str(python), "-S", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_loading_a_bundled_library_by_name_ends_the_process(installation: Installation) -> None:
    code = "import ctypes; ctypes.CDLL('libcrypto.so.3')"

    ended = python_with_decoys(installation, Path(sys.executable), code)

    assert "libcrypto.so.3 of the VDDK folder was loaded by a caller of dlopen" in ended.stderr


@pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason="the machine has no python3 of its own")
def test_interpreter_that_needs_libz_itself_still_works(installation: Installation) -> None:
    # Debian's python3 has zlib built in and could not start otherwise.
    code = (
        "import sys; 'zlib' in sys.builtin_module_names and __import__('zlib').compress(b'x'); print('fine')"
    )

    ended = python_with_decoys(installation, SYSTEM_PYTHON, code)

    assert (ended.stdout, ended.stderr) == ("fine\n", "")


def test_strict_loader_wants_the_library_path_at_process_start(installation: Installation) -> None:
    installation.configure("strict_loader=1")

    assert installation.run("scenarios.init", "6", "5").status == 0
    ended = installation.run("scenarios.init", "6", "5", environment=WITHOUT_PATH)
    assert "LD_LIBRARY_PATH did not contain" in ended.diagnosis


def test_strict_libraries_refuses_a_process_with_an_openssl(installation: Installation) -> None:
    installation.configure("strict_libraries=1")

    assert installation.run("scenarios.init", "6", "5").status == 0
    assert (
        "is loaded already"
        in installation.run("scenarios.init_beside_openssl", environment=WITHOUT_PATH).diagnosis
    )
