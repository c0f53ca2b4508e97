"""Movers that do what a test says: an executable that stands in for the interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.clock import SystemClock
from appliance.dispatch import LocalMoverPool, MoverLimits
from appliance.model.disk_tasks import (
    CleanupTask,
    HoldAccessTask,
    RestoreFileTask,
    TargetFormat,
    TaskDocument,
    VddkAccess,
)

PASSWORD = "canary-7f3a"


def scripted_pool(folder: Path, script: str, limits: MoverLimits, max_processes: int = 1) -> LocalMoverPool:
    """A pool whose movers run `script`; `task` is the first line of their input, `say` prints one line."""
    interpreter = folder / "scripted-mover"
    interpreter.write_text(
        f"#!{sys.executable} -S\n"
        "import os, signal, sys, time\n"
        "task = sys.stdin.readline()\n"
        "def say(line): print(line, flush=True)\n"
        f"{script}\n"
    )
    interpreter.chmod(0o700)
    return LocalMoverPool(max_processes, str(interpreter), SystemClock(), limits)


def access(folder: Path) -> VddkAccess:
    return VddkAccess(
        library_folder=str(folder / "vddk"),
        temporary_folder=str(folder / "temporary"),
        server="127.0.0.1",
        port=443,
        user="root",
        password=PASSWORD,
        thumbprint="",
        machine="vm-1",
        snapshot="snapshot-1",
        transport_modes="nbdssl",
    )


def restore_task(folder: Path) -> TaskDocument:
    return TaskDocument(
        restore_file=RestoreFileTask(
            folder=str(folder),
            repository=str(folder / "repository"),
            target=str(folder / "disk.raw"),
            target_format=TargetFormat.RAW,
            capacity=1 << 20,
            block_size=1 << 16,
            disk_label="Hard disk 1",
            workers=2,
            lock_file=str(folder / "run-1.1.disk.lock"),
        )
    )


def hold_task(folder: Path) -> HoldAccessTask:
    return HoldAccessTask(access(folder), "keepline run-1", str(folder / "run-1.1.access.lock"))


def cleanup_task(folder: Path) -> CleanupTask:
    return CleanupTask(access(folder), None, str(folder / "run-1.1.cleanup.lock"))
