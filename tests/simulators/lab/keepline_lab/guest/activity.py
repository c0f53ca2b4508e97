"""Rounds of real activity in a running guest; QEMU's dirty bitmaps say which cells each round changed.

A bitmap is swapped in one transaction while the file systems are frozen: that is the moment of a backup.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # documents of QMP: their types are QEMU's

from keepline_lab.errors import LabError
from keepline_lab.extents import GRANULARITY, Extent, cells_of, copy_extents, merge_cells, write_extents_file
from keepline_lab.guest.fixture import EpochRecord, content_name, extents_name
from keepline_lab.guest.qemu import GuestMachine
from keepline_lab.guest.tools import find_tool, run_tool


@dataclass(frozen=True, slots=True)
class TrackedDisk:
    """One disk of the running guest; `state` holds its bytes as of the last backup."""

    name: str
    state: Path


class Activity:
    """Drives a started, still paused guest through its rounds; stores what each changed in `folder`."""

    def __init__(self, machine: GuestMachine, disks: Sequence[TrackedDisk], folder: Path) -> None:
        self._machine = machine
        self._disks = disks
        self._folder = folder

    def start(self) -> None:
        """Begin to track changes from the first write on, and let the guest boot."""
        for disk in self._disks:
            self._machine.monitor.call("block-dirty-bitmap-add", **_bitmap(disk, 0))
        address = {"type": "unix", "data": {"path": str(self._socket)}}
        self._machine.monitor.call("nbd-server-start", addr=address)
        self._machine.monitor.call("cont")
        self._machine.wait_for_agent()

    def run_round(self, number: int, script: Path) -> EpochRecord:
        """Run one script in the guest, then store which cells changed and their bytes.

        Raises:
            LabError: the script failed, or a cell differs that the dirty bitmap does not list.
        """
        answer = self._machine.run_script(script.read_text())
        with self._frozen():
            actions = [action for disk in self._disks for action in _swap_bitmaps(disk, number)]
            self._machine.monitor.call("transaction", actions=actions)
            for disk in self._disks:
                self._store_change(disk, number)
        title = script.read_text().splitlines()[0].lstrip("# ")
        return EpochRecord(title, answer)

    @property
    def _socket(self) -> Path:
        return self._machine.folder / "nbd"

    @contextmanager
    def _frozen(self) -> Iterator[None]:
        frozen = self._machine.agent.call("guest-fsfreeze-freeze")
        if frozen == 0:
            raise LabError("the guest froze no file system")
        try:
            yield
        finally:
            self._machine.agent.call("guest-fsfreeze-thaw")

    def _store_change(self, disk: TrackedDisk, number: int) -> None:
        bitmap = _bitmap(disk, number - 1)["name"]
        with self._exported(disk, bitmap):
            address = f"nbd+unix:///{disk.name}?socket={self._socket}"
            extents = _dirty_extents(address, bitmap, disk.state.stat().st_size)
            changed = _update_state(address, disk.state)
        missed = changed - cells_of(extents)
        if missed:
            raise LabError(
                f"round {number} changed cells of {disk.name} that its bitmap lacks: {sorted(missed)}"
            )
        self._machine.monitor.call("block-dirty-bitmap-remove", node=disk.name, name=bitmap)
        write_extents_file(self._folder / extents_name(disk.name, number), extents)
        copy_extents(disk.state, self._folder / content_name(disk.name, number), extents)

    @contextmanager
    def _exported(self, disk: TrackedDisk, bitmap: str) -> Iterator[None]:
        export = {
            "type": "nbd",
            "id": disk.name,
            "node-name": disk.name,
            "name": disk.name,
            "bitmaps": [bitmap],
        }
        self._machine.monitor.call("block-export-add", **export)
        try:
            yield
        finally:
            self._machine.monitor.call("block-export-del", id=disk.name, mode="hard")


def _bitmap(disk: TrackedDisk, number: int) -> dict[str, Any]:
    return {"node": disk.name, "name": f"since{number}", "granularity": GRANULARITY}


def _swap_bitmaps(disk: TrackedDisk, number: int) -> list[dict[str, Any]]:
    old = {"node": disk.name, "name": _bitmap(disk, number - 1)["name"]}
    return [
        {"type": "block-dirty-bitmap-disable", "data": old},
        {"type": "block-dirty-bitmap-add", "data": _bitmap(disk, number)},
    ]


def _dirty_extents(address: str, bitmap: str, capacity: int) -> tuple[Extent, ...]:
    rows = json.loads(run_tool("nbdinfo", "--json", f"--map=qemu:dirty-bitmap:{bitmap}", address))
    dirty = [Extent(row["offset"], row["length"]) for row in rows if row["type"] & 1]
    return merge_cells(sorted(cells_of(dirty)), capacity)


def _update_state(address: str, state: Path) -> set[int]:
    """Bring `state` to the exported bytes; return the cells that differed: the brute-force check."""
    command = [find_tool("nbdcopy"), address, "-"]
    changed: set[int] = set()
    with state.open("r+b") as file, subprocess.Popen(command, stdout=subprocess.PIPE) as copy:
        assert copy.stdout is not None
        for cell in range(-(-state.stat().st_size // GRANULARITY)):
            now = copy.stdout.read(GRANULARITY)
            if now != os.pread(file.fileno(), GRANULARITY, cell * GRANULARITY):
                os.pwrite(file.fileno(), now, cell * GRANULARITY)
                changed.add(cell)
    if copy.returncode != 0:
        raise LabError(f"nbdcopy could not read {address}")
    return changed
