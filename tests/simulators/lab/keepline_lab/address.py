"""What a client of a laboratory needs to know: the content of lab.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any  # JSON of the file

from keepline_lab.control_values import named_disk
from keepline_lab.errors import LabError
from keepline_lab.process import RunningProcess

ADDRESS_NAME = "lab.json"


@dataclass(frozen=True, slots=True)
class LabDisk:
    """One virtual disk; `file` holds the bytes it has now."""

    label: str
    key: int
    capacity: int
    file: Path


@dataclass(frozen=True, slots=True)
class LabMachine:
    """One virtual machine; `reference` is its managed object ID."""

    name: str
    reference: str
    instance_uuid: str
    disks: tuple[LabDisk, ...]

    def disk(self, disk: str | int) -> LabDisk:
        """Return a disk by label, device key or zero-based index.

        Raises:
            LabError: the machine has no such disk.
        """
        return named_disk(self.name, self.disks, disk)


@dataclass(frozen=True, slots=True)
class LabAddress:
    """Where a laboratory is and how to log in; thumbprints are upper-case hexadecimal pairs with colons."""

    url: str
    host: str
    port: int
    user: str
    password: str
    thumbprint_sha1: str
    thumbprint_sha256: str
    certificate: Path
    vddk_folder: Path
    control: str
    gate: str
    machines: tuple[LabMachine, ...]
    process: RunningProcess

    def machine(self, name: str) -> LabMachine:
        """Return a machine by name or managed object ID.

        Raises:
            LabError: there is no such machine.
        """
        for machine in self.machines:
            if name in {machine.name, machine.reference}:
                return machine
        names = ", ".join(machine.name for machine in self.machines)
        raise LabError(f"the laboratory has no machine {name!r}, only {names or 'none'}")

    def to_json(self) -> str:
        """Return the text of lab.json."""
        return json.dumps(asdict(self), indent=2, default=str) + "\n"


def write_address(folder: Path, address: LabAddress) -> None:
    """Store lab.json; only its owner may read the password in it."""
    draft = folder / f"{ADDRESS_NAME}.new"
    draft.touch(mode=0o600)
    draft.write_text(address.to_json())
    draft.rename(folder / ADDRESS_NAME)


def read_address(folder: Path) -> LabAddress:
    """Read lab.json; the laboratory may have stopped since it was written.

    Raises:
        LabError: there is none, so the laboratory was never started, or it is damaged.
    """
    path = folder / ADDRESS_NAME
    try:
        document: dict[str, Any] = json.loads(path.read_text())
        machines = tuple(_machine(machine) for machine in document.pop("machines"))
        process = RunningProcess(**document.pop("process"))
        certificate, library = Path(document.pop("certificate")), Path(document.pop("vddk_folder"))
        return LabAddress(
            **document, certificate=certificate, vddk_folder=library, machines=machines, process=process
        )
    except FileNotFoundError as error:
        raise LabError(f"no laboratory was started in {folder}: start one with `keepline-lab up`") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"cannot read {path}: {error}") from error


def _machine(document: dict[str, Any]) -> LabMachine:
    disks = tuple(LabDisk(**{**disk, "file": Path(disk["file"])}) for disk in document.pop("disks"))
    return LabMachine(**document, disks=disks)
