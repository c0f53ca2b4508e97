"""The control channel of the simulated vCenter: a test plays the guest, the administrator, the saboteur.

Each method is one operation of tests/simulators/vcenter/README.md. A machine is named by name or managed
object ID, a disk by label, device key or index from 0.
"""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # JSON of the channel
from urllib.parse import urlsplit

from keepline_lab import control_values
from keepline_lab.control_values import MachineState, TagState, VcenterState, Written
from keepline_lab.errors import LabError
from keepline_lab.extents import Extent
from keepline_lab.library import VddkFault

ANSWER_SECONDS = 600
"""A whole disk may be compared before an answer comes."""


@dataclass(frozen=True, slots=True)
class CallFault:
    """From the `nth` call of an API method on (about `machine`, if one is named) `count` calls go wrong.

    A call of the REST services is named `rest.RESOURCE.ACTION`, such as `rest.session.create`; it takes no
    `fault`, `task_fault` or `drop_after`.
    `action` is `fault` or `task_fault` (with `fault`, a fault's name in the API), `drop`, `drop_after`,
    `http_503`, `delay` or `hang` (with `milliseconds`).
    """

    method: str
    action: str
    nth: int = 1
    count: int = 1
    machine: str = ""
    fault: str = ""
    message: str = ""
    milliseconds: int = 0


class Control:  # every operation is a method here, so that a test needs to know one name
    """One laboratory's control channel; it keeps no connection open."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address).netloc

    # What there is

    def machines(self) -> tuple[MachineState, ...]:
        """Return all machines, their disks and where these lie."""
        return tuple(map(control_values.machine_of, self._call("machines")["machines"]))

    def machine(self, name: str) -> MachineState:
        """Return one machine.

        Raises:
            LabError: there is none of that name.
        """
        for machine in self.machines():
            if name in {machine.name, machine.moref}:
                return machine
        raise LabError(f"the laboratory has no machine {name!r}")

    def state(self) -> VcenterState:
        """Return snapshots, holds, open disks, sessions and how often each API method was called."""
        return control_values.state_of(self._call("state"))

    # The guest

    def write(
        self, machine: str, disk: str | int, offset: int, content: bytes, *, tracked: bool = True
    ) -> Written:
        """Write bytes; an untracked write is what change tracking does not see."""
        encoded = base64.b64encode(content).decode()
        return self._write("write", machine, disk, offset=offset, data_base64=encoded, tracked=tracked)

    def write_file(
        self, machine: str, disk: str | int, offset: int, file: Path, *, tracked: bool = True
    ) -> Written:
        """Write the content of a file."""
        return self._write("write", machine, disk, offset=offset, file=str(file.absolute()), tracked=tracked)

    def write_random(
        self, machine: str, disk: str | int, offset: int, length: int, *, seed: int = 0, tracked: bool = True
    ) -> Written:
        """Write bytes that look random; the same seed gives the same bytes."""
        return self._write("write", machine, disk, offset=offset, length=length, seed=seed, tracked=tracked)

    def write_extents(
        self, machine: str, disk: str | int, extents: Iterable[Extent], image: Path, *, tracked: bool = True
    ) -> Written:
        """Copy ranges of an image to the same places of the disk."""
        pairs = [[extent.offset, extent.length] for extent in extents]
        file = str(image.absolute())
        return self._write("write_extents", machine, disk, extents=pairs, file=file, tracked=tracked)

    def replace(self, machine: str, disk: str | int, image: Path, *, tracked: bool = True) -> Written:
        """Give a disk the content of an image of the same length; only what differs is written."""
        return self._write("replace", machine, disk, image=str(image.absolute()), tracked=tracked)

    def zero(
        self, machine: str, disk: str | int, offset: int, length: int, *, tracked: bool = True
    ) -> Written:
        """Zero a range and give its space back, as a discard."""
        return self._write("zero", machine, disk, offset=offset, length=length, tracked=tracked)

    def read(self, machine: str, disk: str | int, offset: int, length: int, *, snapshot: str = "") -> bytes:
        """Return bytes of a disk now, or as a snapshot (a managed object ID) froze them."""
        answer = self._call(
            "read", machine=machine, disk=disk, offset=offset, length=length, snapshot=snapshot
        )
        return base64.b64decode(answer["data_base64"])

    # The administrator

    def extend(self, machine: str, disk: str | int, capacity: int) -> None:
        """Enlarge a disk to `capacity` bytes; refused while the machine has snapshots."""
        self._call("extend", machine=machine, disk=disk, capacity=capacity)

    def swap_disk(self, machine: str, disk: str | int, *, size: int = 0, image: Path | None = None) -> None:
        """Take a disk away and put a new one with the same device key in its place."""
        file = str(image.absolute()) if image else ""
        self._call("swap_disk", machine=machine, disk=disk, size=size, image=file)

    def create_snapshot(
        self, machine: str, name: str = "", *, description: str = "", memory: bool = False
    ) -> str:
        """Take a snapshot as an administrator does; return its managed object ID."""
        arguments = {"name": name, "description": description, "memory": memory}
        moref: str = self._call("snapshot_create", machine=machine, **arguments)["snapshot"]
        return moref

    def remove_snapshot(self, machine: str, snapshot: str = "", *, children: bool = False) -> None:
        """Remove a snapshot by managed object ID or name; without one the newest."""
        self._call("snapshot_remove", machine=machine, snapshot=snapshot, children=children)

    def revert(self, machine: str, snapshot: str = "", *, power_on: bool = True) -> None:
        """Take a machine back to a snapshot, the newest if none is named."""
        self._call("revert", machine=machine, snapshot=snapshot, power_on=power_on)

    def set_power(self, machine: str, state: str) -> None:
        """Turn a machine `on` or `off`, or `reset` it."""
        self._call("power", machine=machine, state=state)

    def hold(self, machine: str, identity: str = "") -> None:
        """Hold a machine as another product does by PrepareForAccess."""
        self._call("hold", machine=machine, identity=identity)

    def release(self, machine: str, identity: str = "") -> None:
        """End a hold, whoever has it unless an identity is named."""
        self._call("release", machine=machine, identity=identity)

    def tag(self, machine: str, category: str, name: str) -> None:
        """Hang a tag on a machine, made where there is none; without a machine it is only made."""
        self._call("tag", machine=machine, category=category, name=name)

    def tag_crowd(self, count: int, category: str, name: str) -> None:
        """Hang a tag on so many machines that are in no inventory, as deleted ones leave them."""
        self._call("tag", crowd=count, category=category, name=name)

    def untag(self, machine: str, category: str, name: str) -> None:
        """Take a tag off a machine."""
        self._call("untag", machine=machine, category=category, name=name)

    def delete_tag(self, category: str, name: str) -> None:
        """Take a tag away from everything."""
        self._call("tag_delete", category=category, name=name)

    def tags(self) -> tuple[TagState, ...]:
        """Return all tags and what they hang on."""
        return tuple(map(control_values.tag_of, self._call("tags")["tags"]))

    # The saboteur

    def reset_tracking(self, machine: str, disk: str | int) -> None:
        """Begin a new change epoch, as after a crash of the host."""
        self._call("reset_tracking", machine=machine, disk=disk)

    def corrupt_tracking(self, machine: str, disk: str | int, *, count: int = 1) -> None:
        """Let the next queries of changed areas fail as with a damaged tracking file."""
        self._call("corrupt_tracking", machine=machine, disk=disk, count=count)

    def lie(
        self,
        machine: str,
        disk: str | int,
        *,
        drop_every: int = 0,
        drop_extents: Iterable[Extent] = (),
        queries: int = 0,
    ) -> None:
        """Let the next queries leave changed areas out; without anything to drop the lie ends."""
        pairs = [[extent.offset, extent.length] for extent in drop_extents]
        arguments = {"drop_every": drop_every, "drop_extents": pairs, "count": queries}
        self._call("lie", machine=machine, disk=disk, **arguments)

    def add_fault(self, fault: CallFault) -> None:
        """Let API calls go wrong."""
        values = {name: getattr(fault, name) for name in CallFault.__slots__}
        self._call("fault", **{name: value for name, value in values.items() if value})

    def add_vddk_fault(self, fault: VddkFault) -> None:
        """Let calls of the library go wrong, in processes that connect from now on."""
        self._call("vddk_fault", line=fault.line())

    def clear_faults(self) -> None:
        """End all faults of API and library that were added here."""
        self._call("clear_faults")

    def terminate_sessions(self) -> int:
        """End all sessions of clients; return how many there were."""
        terminated: int = self._call("terminate_sessions")["terminated"]
        return terminated

    def force_free_space(self, datastore: str, free: int | None) -> None:
        """Show a datastore's free space as `free` bytes; None shows what there is again."""
        self._call("freespace", datastore=datastore, bytes=free)

    def set_consolidation(self, machine: str, *, needed: bool | None = None, on_removal: int = 0) -> None:
        """Show a machine as in need of consolidation, or let the next snapshot removals leave it so."""
        self._call("consolidation_needed", machine=machine, needed=needed, on_removal=on_removal)

    def set_connection_state(self, machine: str, state: str) -> None:
        """Show a machine as `connected`, `disconnected`, `inaccessible`, `invalid` or `orphaned`."""
        self._call("connection_state", machine=machine, state=state)

    def post_event(self, kind: str, *, machine: str = "", message: str = "") -> int:
        """Post an event of an API type, or an EventEx of that name; return its key."""
        key: int = self._call("event", type=kind, machine=machine, message=message)["key"]
        return key

    def raise_alarm(self, machine: str, *, name: str = "", status: str = "red") -> None:
        """Show an alarm as triggered on a machine."""
        self._call("alarm", machine=machine, name=name, status=status)

    def shut_down(self) -> None:
        """Ask the simulated vCenter to end in good order."""
        self._call("shutdown")

    def _write(self, operation: str, machine: str, disk: str | int, **arguments: Any) -> Written:
        return control_values.written_of(self._call(operation, machine=machine, disk=disk, **arguments))

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Carry out one operation.

        Raises:
            LabError: it was refused, with the channel's own words, or nobody answers.
        """
        connection = http.client.HTTPConnection(self._address, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", f"/lab/{operation}", json.dumps(arguments))
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LabError(
                f"the control channel {self._address} did not answer {operation}: {error}"
            ) from error
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise LabError(f"{operation} was refused: {answer.get('error')}")
        return answer
