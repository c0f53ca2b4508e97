"""The test guest as a machine of a laboratory, whose epochs pass when somebody says so."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from keepline_lab.control import Control
from keepline_lab.errors import LabError
from keepline_lab.guest import Guest
from keepline_lab.guest.fixture import read_guest
from keepline_lab.machines import Disk, Machine

DEFAULT_NAME = "debian"
STATE_NAME = "guest.json"


@dataclass(frozen=True, slots=True)
class GuestInLab:
    """Which machine of a laboratory is the guest, where its fixture lies, and which epoch has passed."""

    machine: str
    fixture: str
    epoch: int


def guest_machine(guest: Guest, name: str = DEFAULT_NAME) -> Machine:
    """Return the guest as it was before its first boot, ready for `Lab.start`."""
    disks = tuple(Disk(image=disk.base) for disk in guest.disks)
    return Machine(name, disks, power="on", guest_id="debian12_64Guest")


def apply_epoch(control: Control, guest: Guest, number: int, name: str = DEFAULT_NAME) -> None:
    """Write to all disks of the running machine what the guest wrote in one epoch; epochs go in order."""
    for index, disk in enumerate(guest.disks):
        change = guest.epoch(number).change_of(disk.name)
        control.write_extents(name, index, change.extents, change.content)


def remember_guest(folder: Path, guest: Guest, name: str, epoch: int = 0) -> None:
    """Note in a laboratory's folder which machine is the guest and how far it is."""
    state = GuestInLab(name, str(guest.folder), epoch)
    (folder / STATE_NAME).write_text(json.dumps(asdict(state)) + "\n")


def advance(folder: Path, control: Control, epoch: int) -> list[int]:
    """Let the guest of a laboratory live up to the end of `epoch`; return the epochs that passed.

    Raises:
        LabError: the laboratory has no guest, or the guest is that far already.
    """
    try:
        state = GuestInLab(**json.loads((folder / STATE_NAME).read_text()))
    except FileNotFoundError as error:
        raise LabError(f"the laboratory in {folder} has no guest: make one with `up --guest`") from error
    guest = read_guest(Path(state.fixture))
    guest.epoch(epoch)
    if epoch <= state.epoch:
        raise LabError(f"the guest is at epoch {state.epoch} already; time only goes forward")
    passed = list(range(state.epoch + 1, epoch + 1))
    for number in passed:
        apply_epoch(control, guest, number, state.machine)
        remember_guest(folder, guest, state.machine, number)
    return passed
