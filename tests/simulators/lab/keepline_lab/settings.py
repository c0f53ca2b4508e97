"""What kind of vCenter a laboratory has, and its configuration file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any  # JSON of the configuration file

from keepline_lab.errors import LabError
from keepline_lab.machines import Datastore, Machine, as_configuration

CONFIGURATION_NAME = "vcenter.json"
ADDRESS_KEYS = ("listen", "control", "gate")


@dataclass(frozen=True, slots=True)
class VcenterSettings:
    """The simulated vCenter; what is None is left to it, and its README says what each key means."""

    api_version: str | None = None
    user: str | None = None
    password: str | None = None
    instance_uuid: str | None = None
    session_timeout_seconds: float | None = None
    max_changed_areas: int | None = None
    granularity_bytes: int | None = None
    late_tracking: str | None = None
    nfc_handles_per_host: int | None = None
    datacenter: str | None = None
    networks: tuple[str, ...] | None = None
    datastores: tuple[Datastore, ...] | None = None


def write_configuration(folder: Path, settings: VcenterSettings, machines: Sequence[Machine]) -> None:
    """Write the configuration of a new laboratory."""
    document = {key: value for key, value in asdict(settings).items() if value is not None}
    if settings.datastores:
        document["datastores"] = [as_configuration(datastore) for datastore in settings.datastores]
    document["machines"] = [as_configuration(machine) for machine in machines]
    _write(folder, document)


def keep_addresses(folder: Path, addresses: dict[str, str]) -> None:
    """Store where the simulated vCenter listens, so that it is found there again after a restart."""
    _write(folder, read_configuration(folder) | addresses)


def forget_addresses(folder: Path) -> None:
    """Let the simulated vCenter choose free ports at its next start."""
    kept = {key: value for key, value in read_configuration(folder).items() if key not in ADDRESS_KEYS}
    _write(folder, kept)


def read_configuration(folder: Path) -> dict[str, Any]:
    """Return the configuration of an existing laboratory.

    Raises:
        LabError: the folder holds none.
    """
    path = folder / CONFIGURATION_NAME
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise LabError(
            f"{folder} is not the folder of a laboratory: it has no {CONFIGURATION_NAME}"
        ) from error
    except (OSError, ValueError) as error:
        raise LabError(f"cannot read {path}: {error}") from error
    return document


def _write(folder: Path, document: dict[str, Any]) -> None:
    path = folder / CONFIGURATION_NAME
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(document, indent=2) + "\n")
    draft.rename(path)
