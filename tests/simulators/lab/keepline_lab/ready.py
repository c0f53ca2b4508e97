"""From the simulated vCenter's ready line to the address of a laboratory."""

from __future__ import annotations

from pathlib import Path
from typing import Any  # JSON of the ready line
from urllib.parse import urlsplit

from keepline_lab.address import LabAddress, LabDisk, LabMachine
from keepline_lab.control import Control
from keepline_lab.control_values import MachineState
from keepline_lab.process import RunningProcess

DEFAULT_USER = "administrator@vsphere.local"
DEFAULT_PASSWORD = "Keepline-Lab-1!"
CERTIFICATE_NAME = "certificate.pem"


def address_of(folder: Path, configuration: dict[str, Any], ready: dict[str, Any]) -> LabAddress:
    """Complete what the ready line says by the configuration and the machines; store the certificate."""
    certificate = folder / CERTIFICATE_NAME
    certificate.write_text(ready["certificate_pem"])
    place = urlsplit(ready["url"])
    return LabAddress(
        url=f"https://{place.netloc}/sdk",
        host=place.hostname or "",
        port=place.port or 0,
        user=configuration.get("user", DEFAULT_USER),
        password=configuration.get("password", DEFAULT_PASSWORD),
        thumbprint_sha1=ready["thumbprint_sha1"],
        thumbprint_sha256=ready["thumbprint_sha256"],
        certificate=certificate,
        vddk_folder=folder / "vddk",
        control=ready["control"],
        gate=ready["gate"],
        machines=tuple(map(_machine_of, Control(ready["control"]).machines())),
        process=RunningProcess.of(ready["pid"]),
    )


def listening_addresses(ready: dict[str, Any]) -> dict[str, str]:
    """Return the keys of the configuration that let a restart listen at the same addresses."""
    return {
        "listen": urlsplit(ready["url"]).netloc,
        "control": urlsplit(ready["control"]).netloc,
        "gate": ready["gate"],
    }


def _machine_of(machine: MachineState) -> LabMachine:
    disks = tuple(LabDisk(disk.label, disk.key, disk.capacity, disk.flat) for disk in machine.disks)
    return LabMachine(machine.name, machine.moref, machine.instance_uuid, disks)
