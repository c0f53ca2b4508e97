"""What a process that uses the bindings must look like; each test in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from vddk_bindings import ConnectParameters, ForkedProcessError, Library, find_library
from vddk_bindings.process_guard import ProcessGuard

FORBIDDEN_MODULES = {
    "ssl",
    "_ssl",
    "hashlib",
    "_hashlib",
    "zlib",
    "asyncio",
    "secrets",
    "random",
    "numpy",
    "uuid",
}
FORBIDDEN_LIBRARIES = ("libssl", "libcrypto", "libstdc++", "libz.")

LOOK_AT_THIS_PROCESS = """
import json, re, sys
import vddk_bindings
with open("/proc/self/maps") as file:
    mapped = sorted({line.split()[-1] for line in file if ".so" in line})
names = set(vddk_bindings.__all__)
print(json.dumps({"modules": sorted(sys.modules), "mapped": mapped}))
"""

INITIALISE_TWICE = """
import sys
from pathlib import Path
from vddk_bindings import Library, LibraryStateError, find_library
file = find_library(Path(sys.argv[1]))
with Library(file) as library:
    library.initialise()
try:
    Library(file).initialise()
except LibraryStateError as error:
    print(error.code)
"""


RECEIVER_RAISES = """
import sys
from pathlib import Path
from vddk_bindings import ConnectParameters, Library, PasswordCredentials, find_library
parameters = ConnectParameters("vcenter.test", PasswordCredentials("user", "secret"), "vm-42")
with Library(find_library(Path(sys.argv[1]))) as library:
    library.initialise()
    with library.connect(parameters) as connection, connection.open_disk("one") as disk:
        disk.read_sectors_async(0, bytearray(512), lambda error: 1 / 0)
        disk.wait()
        print("waited")
"""


def run_python(source: str, *arguments: str) -> str:
    return start_python(source, *arguments).stdout


def start_python(source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-IS",
        "-c",
        f"import sys; sys.path.insert(0, {str(Path.cwd())!r})\n{source}",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_import_brings_nothing_that_binds_vddks_bundled_libraries() -> None:
    seen = json.loads(run_python(LOOK_AT_THIS_PROCESS))

    assert FORBIDDEN_MODULES.isdisjoint(seen["modules"])
    assert [path for path in seen["mapped"] if Path(path).name.startswith(FORBIDDEN_LIBRARIES)] == []
    assert any("_ctypes" in path for path in seen["mapped"])  # the look itself works


def test_import_brings_the_standard_library_and_itself_only() -> None:
    seen = json.loads(run_python(LOOK_AT_THIS_PROCESS))

    packages = {name.partition(".")[0] for name in seen["modules"]}
    assert packages - sys.stdlib_module_names == {"vddk_bindings", "__main__"}


def test_second_library_in_one_process_is_refused_even_after_the_first_ended(stub_folder: Path) -> None:
    assert run_python(INITIALISE_TWICE, str(stub_folder)) == "VDDK-USAGE-STATE\n"


def test_receiver_that_raises_is_reported_and_nothing_waits_for_it_for_ever(stub_folder: Path) -> None:
    process = start_python(RECEIVER_RAISES, str(stub_folder))

    assert process.stdout == "waited\n"
    assert "ZeroDivisionError" in process.stderr


def test_fork_after_initialisation_is_detected_and_refused(
    stub_folder: Path, parameters: ConnectParameters
) -> None:
    guard = ProcessGuard()
    with Library(find_library(stub_folder), guard) as library:
        library.initialise()
        with library.connect(parameters) as connection, connection.open_disk("one") as disk:
            calls: list[Callable[[], object]] = [
                guard.claim_initialisation,
                library.transport_modes,
                library.exit,
                lambda: library.connect(parameters),
                lambda: connection.open_disk("two"),
                lambda: disk.read_sectors(0, bytearray(512)),
                lambda: disk.query_allocated_blocks(0, 128, 128),
                disk.information,
                disk.close,
                connection.close,
            ]
            child = os.fork()
            if child == 0:
                os._exit(sum(map(is_refused, calls)))
            _, status = os.waitpid(child, 0)
            disk.read_sectors(0, bytearray(512))

    assert os.waitstatus_to_exitcode(status) == len(calls)


def is_refused(call: Callable[[], object]) -> bool:
    """Runs in the fork, where no assertion would be seen."""
    try:
        call()
    except ForkedProcessError:
        return True
    return False
