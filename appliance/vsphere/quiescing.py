"""What a guest is asked for before its snapshot, and what it can be asked for at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyVmomi import vim

from appliance.model.recovery_points import Consistency
from appliance.model.virtual_machines import PowerState, VirtualMachine
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.faults import translated
from appliance.vsphere.properties import properties_of

_WEAKER_FIRST = (Consistency.CRASH, Consistency.FILESYSTEM, Consistency.APPLICATION)

# VSS_BT_COPY: application writers come to rest, but their own backup history and logs stay untouched.
_VSS_COPY = 5
# A quiesce specification takes 5 to 240 minutes (vSphere API reference, "VirtualMachineGuestQuiesceSpec").
_TIMEOUT_RANGE_MINUTES = (5, 240)


@dataclass(frozen=True, slots=True)
class Quiesce:
    """What the guest is told before the snapshot.

    `wanted` is tried `attempts` times, then weaker ones down to `least`; FILESYSTEM asks VMware Tools to
    flush, APPLICATION asks Windows' VSS writers in addition (a Linux guest runs its freeze scripts).
    """

    wanted: Consistency = Consistency.CRASH
    least: Consistency = Consistency.CRASH
    attempts: int = 2
    timeout_minutes: int = 10

    def __post_init__(self) -> None:
        if _WEAKER_FIRST.index(self.least) > _WEAKER_FIRST.index(self.wanted):
            raise ValueError(f"at least {self.least} is more than the wanted {self.wanted}")
        if self.attempts < 1:
            raise ValueError(f"{self.attempts} attempts")


@dataclass(frozen=True, slots=True)
class GuestState:
    """What decides whether a guest can be quiesced."""

    running: bool
    tools_running: bool
    is_windows: bool

    def notes(self, quiesce: Quiesce) -> tuple[str, ...]:
        """What the operator must know when the guest cannot be asked for what is wanted."""
        if quiesce.wanted is Consistency.CRASH:
            return ()
        if not self.running:
            return ("the machine does not run: there was nothing to quiesce",)
        if not self.tools_running:
            return ("VMware Tools do not run in the guest: it could not be quiesced",)
        return ()


def guest_state(connection: VcenterConnection, machine: VirtualMachine) -> GuestState:
    """The guest as vCenter sees it now."""
    reference = connection.object_of(vim.VirtualMachine, machine.moref)
    with translated(f"reading the guest of {machine.name}"):
        properties = properties_of(
            connection,
            reference,
            "runtime.powerState",
            "guest.toolsRunningStatus",
            "guest.guestFamily",
            "config.guestId",
        )
    return GuestState(
        running=str(properties.get("runtime.powerState")) == PowerState.ON,
        tools_running=properties.get("guest.toolsRunningStatus") == "guestToolsRunning",
        is_windows=properties.get("guest.guestFamily") == "windowsGuest"
        or str(properties.get("config.guestId", "")).startswith("win"),
    )


def steps_down(quiesce: Quiesce, guest: GuestState) -> Iterator[Consistency]:
    """Yield the levels to try, in order.

    vSphere ignores the wish silently when the machine is off or without VMware Tools (API reference,
    "CreateSnapshot_Task"), so it is never uttered then: a machine that is off is at rest anyhow, one
    without Tools gets a crash-consistent snapshot if that is enough, and none at all if it is not.
    """
    if not guest.running:
        yield Consistency.CRASH
        return
    if guest.tools_running and quiesce.wanted is not Consistency.CRASH:
        yield from [quiesce.wanted] * quiesce.attempts
    wanted, least = _WEAKER_FIRST.index(quiesce.wanted), _WEAKER_FIRST.index(quiesce.least)
    for level in reversed(_WEAKER_FIRST[least : wanted + 1]):
        if level is Consistency.CRASH or (level is not quiesce.wanted and guest.tools_running):
            yield level


def quiesce_specification(
    level: Consistency, guest: GuestState, timeout_minutes: int
) -> vim.vm.GuestQuiesceSpec | None:
    """What `CreateSnapshotEx_Task` is given; None where the guest is not told anything."""
    if level is Consistency.CRASH:
        return None
    shortest, longest = _TIMEOUT_RANGE_MINUTES
    timeout = min(max(timeout_minutes, shortest), longest)
    if not guest.is_windows:
        return vim.vm.GuestQuiesceSpec(timeout=timeout)
    with_writers = level is Consistency.APPLICATION
    return vim.vm.WindowsQuiesceSpec(
        timeout=timeout,
        vssBackupType=_VSS_COPY,
        vssBackupContext="ctx_backup" if with_writers else "ctx_file_share_backup",
        vssBootableSystemState=with_writers,
        vssPartialFileSupport=False,
    )
