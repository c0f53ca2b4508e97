from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any  # JSON of a report

import pytest

from appliance.clock import SystemClock
from appliance.dispatch import LocalMoverPool, wait_for_movers_gone
from appliance.model.disk_tasks import (
    CleanupTask,
    HoldAccessTask,
    TaskDocument,
    TaskMessage,
)
from appliance.model.documents import to_json
from appliance.mover.channel import ORPHANED_STATUS
from keepline_lab import LibraryBehaviour
from tests.simulated.mover.conftest import LIMITS, MakeWorkplace
from tests.simulated.mover.workplace import RUN, Workplace, ignore
from tests.waiting import wait_until

pytestmark = pytest.mark.simulated

SLOW = LibraryBehaviour(bytes_per_second={"nbdssl": 6 << 20})
FORBIDDEN_MODULES = {
    "ssl", "_ssl", "hashlib", "_hashlib", "secrets", "zlib", "numpy", "pyarrow", "sqlalchemy", "pyVmomi",
    "appliance.catalog", "appliance.state", "appliance.vsphere", "appliance.security", "appliance.settings",
}  # fmt: skip
BUNDLED_WITH_VDDK = ("libcrypto", "libssl", "libstdc++", "libz")
REPORTING_MAIN = """
import ctypes, json, os, resource, sys
from pathlib import Path
from appliance.mover.main import main
status = main()
report = {
    "modules": sorted(sys.modules),
    "maps": Path("/proc/self/maps").read_text(),
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    "core_limit": resource.getrlimit(resource.RLIMIT_CORE),
    "library_path": os.environ.get("LD_LIBRARY_PATH"),
}
Path(sys.argv[1]).write_text(json.dumps(report))
sys.exit(status)
"""


def child_movers() -> list[int]:
    found = []
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"appliance.mover" in command:
                found.append(int(pid))
    return found


def hold_task(workplace: Workplace) -> HoldAccessTask:
    return HoldAccessTask(workplace.access(), "keepline test", str(workplace.folder / f"{RUN}.1.access.lock"))


def report_of_a_backup(workplace: Workplace) -> dict[str, Any]:
    """What a mover knows of itself after a real backup through VDDK."""
    report = workplace.folder / "report"
    (workplace.folder / "main.py").write_text(REPORTING_MAIN)
    interpreter = workplace.folder / "reporting-python"
    interpreter.write_text(f"#!/bin/sh\nexec {sys.executable} {workplace.folder}/main.py {report}\n")
    interpreter.chmod(0o700)
    pool = LocalMoverPool(1, str(interpreter), SystemClock(), LIMITS)

    pool.run(TaskDocument(backup_disk=workplace.backup_task()), ignore, threading.Event())

    found: dict[str, Any] = json.loads(report.read_text())
    return found


def test_a_mover_leaves_no_core_no_memory_to_read_and_no_library_path(workplace: Workplace) -> None:
    found = report_of_a_backup(workplace)

    assert found["dumpable"] == 0
    assert found["core_limit"] == [0, 0]
    assert found["library_path"] is None


def test_a_mover_loads_nothing_that_binds_vddks_own_libraries(workplace: Workplace) -> None:
    found = report_of_a_backup(workplace)

    assert "vddk_bindings" in found["modules"]
    assert not FORBIDDEN_MODULES & set(found["modules"])
    mapped = {line.split()[-1] for line in found["maps"].splitlines() if "/" in line}
    assert any("libvixDiskLib" in path for path in mapped)
    foreign = [
        path
        for path in mapped
        if Path(path).name.startswith(BUNDLED_WITH_VDDK) and not path.startswith(str(workplace.lab.folder))
    ]
    assert foreign == []


def test_the_password_is_nowhere_outside_the_movers_memory(
    workplace_with: MakeWorkplace, caplog: pytest.LogCaptureFixture
) -> None:
    workplace = workplace_with(behaviour=SLOW)
    password = workplace.lab.address.password.encode()
    seen: dict[str, bytes] = {}

    def look(message: TaskMessage) -> None:
        for pid in child_movers():
            for name in ("cmdline", "environ"):
                seen[name] = Path(f"/proc/{pid}/{name}").read_bytes()

    with caplog.at_level(logging.DEBUG):
        workplace.back_up(on_message=look)

    assert b"appliance.mover" in seen["cmdline"]
    assert all(password not in content for content in seen.values())
    assert password.decode() not in caplog.text
    leaked = [
        path
        for path in workplace.folder.rglob("*")
        if path.is_file() and not path.is_relative_to(workplace.lab.folder) and password in path.read_bytes()
    ]
    assert leaked == []


def start_mover(document: TaskDocument, workplace: Workplace) -> subprocess.Popen[bytes]:
    environment = {"PYTHONPATH": ".", "LD_LIBRARY_PATH": str(workplace.lab.vddk_folder / "lib64")}
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.mover"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdin is not None
    process.stdin.write(to_json(document) + b"\n")
    process.stdin.flush()
    return process


def test_a_mover_ends_when_its_engine_closes_its_input(workplace_with: MakeWorkplace) -> None:
    workplace = workplace_with(behaviour=SLOW)

    with start_mover(TaskDocument(backup_disk=workplace.backup_task()), workplace) as process:
        assert process.stdout is not None
        assert b"progress" in process.stdout.readline()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == ORPHANED_STATUS


def test_movers_of_a_dead_engine_are_gone_before_the_next_one_goes_on(workplace_with: MakeWorkplace) -> None:
    workplace = workplace_with(behaviour=SLOW)

    with start_mover(TaskDocument(backup_disk=workplace.backup_task()), workplace) as process:
        assert process.stdout is not None
        assert b"progress" in process.stdout.readline()
        wait_for_movers_gone(workplace.folder, RUN, SystemClock(), grace_seconds=0.2)
        assert process.wait(30) == -signal.SIGKILL

    assert list(workplace.folder.glob("*.lock")) == []


def test_a_mover_that_lost_its_parent_ends(workplace_with: MakeWorkplace) -> None:
    workplace = workplace_with(behaviour=SLOW)
    document = to_json(TaskDocument(backup_disk=workplace.backup_task()))
    (workplace.folder / "task.json").write_bytes(document + b"\n")
    lock = Path(workplace.backup_task().lock_file)
    # A parent whose pipe's other end survives it: only the kernel can tell the mover.
    parent = (
        "import os, subprocess, sys, time; r, w = os.pipe(); os.write(w, open(sys.argv[1], 'rb').read());"
        "os.set_inheritable(w, True);"
        "p = subprocess.Popen([sys.executable, '-m', 'appliance.mover'], stdin=r, close_fds=False,"
        " stdout=subprocess.PIPE); p.stdout.readline(); print(p.pid, flush=True); time.sleep(600)"
    )
    environment = {"PYTHONPATH": ".", "LD_LIBRARY_PATH": str(workplace.lab.vddk_folder / "lib64")}
    command = [sys.executable, "-c", parent, str(workplace.folder / "task.json")]

    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        mover = int(process.stdout.readline())
        pinned = os.pidfd_open(mover)
        assert lock.read_text() == str(mover)
        process.kill()

    os.close(pinned)
    wait_for_movers_gone(workplace.folder, RUN, SystemClock(), grace_seconds=30, kill_seconds=0)


def test_access_is_held_in_vcenter_while_the_context_is_open(workplace: Workplace) -> None:
    with workplace.pool.hold_access(hold_task(workplace), threading.Event()) as ready:
        assert ready.warning is None
        holds = workplace.lab.control.state().holds
        assert [(hold.identity) for hold in holds] == ["keepline test"]

    assert workplace.lab.control.state().holds == ()


def test_a_refused_hold_is_a_warning(workplace: Workplace) -> None:
    workplace.lab.control.hold("web-01", "another product")

    with workplace.pool.hold_access(hold_task(workplace), threading.Event()) as ready:
        assert ready.warning is not None

    assert [hold.identity for hold in workplace.lab.control.state().holds] == ["another product"]


def test_an_access_holder_gives_back_when_its_engine_dies(workplace: Workplace) -> None:
    with start_mover(TaskDocument(hold_access=hold_task(workplace)), workplace) as process:
        assert process.stdout is not None
        assert b"ready" in process.stdout.readline()
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0

    assert workplace.lab.control.state().holds == ()


def test_cleanup_gives_back_what_a_killed_holder_held(workplace: Workplace) -> None:
    with start_mover(TaskDocument(hold_access=hold_task(workplace)), workplace) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert len(workplace.lab.control.state().holds) == 1
    task = CleanupTask(workplace.access(), "keepline test", str(workplace.folder / f"{RUN}.1.cleanup.lock"))

    workplace.pool.cleanup(task)

    assert workplace.lab.control.state().holds == ()


def test_cleanup_detaches_what_a_killed_mover_had_hot_added(workplace_with: MakeWorkplace) -> None:
    behaviour = LibraryBehaviour(transports=("hotadd",), bytes_per_second={"hotadd": 2 << 20})
    workplace = workplace_with(behaviour=behaviour)
    task = workplace.backup_task(workplace.access(transport_modes="hotadd"))
    with start_mover(TaskDocument(backup_disk=task), workplace) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    wait_until_dead(workplace)

    workplace.pool.cleanup(
        CleanupTask(workplace.access(), None, str(workplace.folder / f"{RUN}.1.cleanup.lock"))
    )

    assert workplace.lab.control.state().open_handles == ()
    assert workplace.lab.control.state().attached == ()


def wait_until_dead(workplace: Workplace) -> None:
    """The simulated vCenter notices the end of a connection a moment after the process ended."""
    control = workplace.lab.control
    wait_until(lambda: all(handle.dead for handle in control.state().open_handles), "the mover is gone")
