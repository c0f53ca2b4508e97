"""A laboratory: one folder with disks, a simulated vCenter over them and a simulated VDDK library."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from keepline_lab.address import ADDRESS_NAME, LabAddress, read_address, write_address
from keepline_lab.control import Control
from keepline_lab.errors import AddressInUseError, LabError
from keepline_lab.frozen import read_frozen
from keepline_lab.guest import Guest
from keepline_lab.guest_in_lab import DEFAULT_NAME, apply_epoch
from keepline_lab.library import LibraryBehaviour, VddkFault
from keepline_lab.machines import Machine, check_image
from keepline_lab.process import start_vcenter
from keepline_lab.ready import address_of, listening_addresses
from keepline_lab.settings import (
    CONFIGURATION_NAME,
    VcenterSettings,
    forget_addresses,
    keep_addresses,
    read_configuration,
    write_configuration,
)
from keepline_lab.toolchain import Simulators, build_simulators

STOP_SECONDS = 10
DEFAULT_SETTINGS = VcenterSettings()
DEFAULT_BEHAVIOUR = LibraryBehaviour()


class Lab:
    """A running laboratory. It stops on leaving the context; its folder stays and can be resumed."""

    def __init__(self, folder: Path, simulators: Simulators, behaviour: LibraryBehaviour) -> None:
        """Describe a laboratory over an existing folder; use `start` or `restart`."""
        self.folder = folder
        self.behaviour = behaviour
        self._simulators = simulators
        self._child: subprocess.Popen[bytes] | None = None
        self._address: LabAddress | None = None

    @classmethod
    def start(
        cls,
        folder: Path,
        machines: Sequence[Machine] = (),
        *,
        settings: VcenterSettings = DEFAULT_SETTINGS,
        behaviour: LibraryBehaviour = DEFAULT_BEHAVIOUR,
        simulators: Simulators | None = None,
        detached: bool = False,
    ) -> Self:
        """Make a new laboratory in `folder` and start it.

        Images that disks are made of are copied (sharing blocks where the file system can), never changed.

        Raises:
            LabError: the folder is in use, an image is missing, or a simulator does not start.
        """
        folder = folder.absolute()
        _check_new(folder)
        for machine in machines:
            for disk in machine.disks:
                if disk.image is not None:
                    check_image(disk.image)
        folder.mkdir(parents=True, exist_ok=True)
        write_configuration(folder, settings, machines)
        lab = cls(folder, simulators or build_simulators(), behaviour)
        lab._simulators.install_library(behaviour.version, lab.vddk_folder)
        lab._launch(detached=detached)
        return lab

    @classmethod
    def resume(
        cls,
        folder: Path,
        *,
        behaviour: LibraryBehaviour = DEFAULT_BEHAVIOUR,
        simulators: Simulators | None = None,
        detached: bool = False,
    ) -> Self:
        """Start a laboratory that was stopped; machines, disks and snapshots are as they were.

        The address is the same too, unless somebody else has taken a port meanwhile.

        Raises:
            LabError: the folder is none of a laboratory, or it runs.
        """
        folder = folder.absolute()
        if not (folder / CONFIGURATION_NAME).exists():
            raise LabError(f"{folder} is not the folder of a laboratory: it has no {CONFIGURATION_NAME}")
        if is_running(folder):
            raise LabError(f"the laboratory in {folder} runs already")
        lab = cls(folder, simulators or build_simulators(), behaviour)
        lab._simulators.install_library(behaviour.version, lab.vddk_folder)
        try:
            lab._launch(detached=detached)
        except AddressInUseError:  # somebody took a port since; nobody of ours holds on to the old one
            forget_addresses(folder)
            lab._launch(detached=detached)
        return lab

    @property
    def address(self) -> LabAddress:
        """What a client needs to know."""
        if self._address is None:
            raise LabError(f"the laboratory in {self.folder} was never started")
        return self._address

    @property
    def control(self) -> Control:
        """How to play the guest and the saboteur."""
        return Control(self.address.control)

    @property
    def vddk_folder(self) -> Path:
        """The folder of the simulated VDDK; its lib64 is what LD_LIBRARY_PATH must name."""
        return self.folder / "vddk"

    def set_vddk_faults(self, faults: Sequence[VddkFault]) -> None:
        """Make calls of the library go wrong from its next InitEx or ConnectEx on; an empty list heals it."""
        from_now = self.behaviour.with_faults(faults)
        self._write_library_configuration(from_now, self.address.gate)
        self.behaviour = from_now

    def advance_guest(self, guest: Guest, epoch: int, machine: str = DEFAULT_NAME) -> None:
        """Change all disks of `machine` as the guest did in one epoch; epochs go in order."""
        apply_epoch(self.control, guest, epoch, machine)

    def disk_file(self, machine: str, disk: str | int = 0) -> Path:
        """Return the file with the bytes that a disk of a machine has now, also of one that a client made."""
        return self.control.machine(machine).disk(disk).flat

    def disk_bytes(self, machine: str, disk: str | int = 0) -> bytes:
        """Return all bytes that a disk has now."""
        return self.disk_file(machine, disk).read_bytes()

    def frozen_bytes(self, snapshot: str, machine: str, disk: str | int = 0) -> bytes:
        """Return the bytes that a disk had when the snapshot (a managed object ID) was taken.

        Raises:
            LabError: there is no such snapshot, machine or disk.
        """
        key = self.control.machine(machine).disk(disk).key
        for candidate in self.control.state().snapshots:
            if candidate.moref == snapshot and key in candidate.frozen:
                return read_frozen(candidate.frozen[key])
        raise LabError(f"there is no snapshot {snapshot!r} of {machine} with disk {disk!r}")

    def kill_vcenter(self) -> None:
        """End the simulated vCenter as a power cut would."""
        child = self._running_child()
        child.kill()
        self._reap()

    def restart_vcenter(self) -> None:
        """Start the simulated vCenter again (stopped first if it runs): same address, same state."""
        self.stop()
        self._launch(detached=False)

    def stop(self) -> None:
        """Stop the simulated vCenter; nothing happens when it does not run."""
        if self._child is not None:
            self._child.terminate()
            try:
                self._child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.kill()
            self._reap()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait(self) -> None:
        """Return when the simulated vCenter ends by itself."""
        self._running_child().wait()

    def _launch(self, *, detached: bool) -> None:
        child, ready = start_vcenter(
            self._simulators.vcenter, self.folder / CONFIGURATION_NAME, detached=detached
        )
        self._child = None if detached else child
        self._address = address_of(self.folder, read_configuration(self.folder), ready)
        keep_addresses(self.folder, listening_addresses(ready))
        self._write_library_configuration(self.behaviour, self.address.gate)
        write_address(self.folder, self.address)

    def _write_library_configuration(self, behaviour: LibraryBehaviour, gate: str) -> None:
        path = self.vddk_folder / "lib64" / "lab.conf"
        draft = path.with_suffix(".new")
        draft.write_text(behaviour.configuration(gate))
        draft.rename(path)

    def _running_child(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise LabError(f"the simulated vCenter of {self.folder} does not run")
        return self._child

    def _reap(self) -> None:
        child, self._child = self._running_child(), None
        child.wait()
        if child.stdin is not None:
            with suppress(BrokenPipeError):
                child.stdin.close()


def is_running(folder: Path) -> bool:
    """Whether the laboratory of `folder` runs."""
    return (folder / ADDRESS_NAME).exists() and read_address(folder).process.runs


def running_address(folder: Path) -> LabAddress:
    """Return the address of a laboratory that runs.

    Raises:
        LabError: the folder is none of a laboratory, or it does not run.
    """
    address = read_address(folder)
    if not address.process.runs:
        raise LabError(f"the laboratory in {folder} does not run: start it with `keepline-lab up`")
    return address


def _check_new(folder: Path) -> None:
    if (folder / CONFIGURATION_NAME).exists():
        raise LabError(
            f"{folder} holds a laboratory already: start it without machines, or remove the folder"
        )
    if folder.exists() and (not folder.is_dir() or os.listdir(folder)):  # noqa: PTH208
        raise LabError(f"{folder} is not an empty folder")
