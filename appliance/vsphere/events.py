"""What vCenter's log says happened to a machine since a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere.connection import VcenterConnection


@dataclass(frozen=True, slots=True)
class MachineHistory:
    """What happened to a machine since a moment.

    `complete`: the log reaches back to that moment and vCenter saw the machine all the time, so silence
    means that nothing happened; `gap` says why not. `disturbances` are events after which change
    tracking must not be believed (revert, restore, disk replaced, registered anew), in words, oldest first.
    """

    complete: bool
    disturbances: tuple[str, ...]
    gap: str = ""


def history_since(connection: VcenterConnection, machine: VirtualMachine, since: datetime) -> MachineHistory:
    """What vCenter's events and tasks say about the machine from `since` (vCenter's time) to now."""
    raise NotImplementedError
