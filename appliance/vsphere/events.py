"""What vCenter's log says happened to a machine since a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from pyVmomi import vim, vmodl

from appliance.errors import VcenterError
from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.disturbances import blindness_of_event, disturbance_of_event, disturbance_of_task
from appliance.vsphere.errors import VcenterAnswerError
from appliance.vsphere.faults import translated
from appliance.vsphere.retries import with_patience

PAGE_ENTRIES = 500

Entry = TypeVar("Entry")
Entry_co = TypeVar("Entry_co", covariant=True)


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


class _Collector(Protocol[Entry_co]):
    """A history collector of vSphere: reads from the oldest entry on, lives in the session."""

    def ReadNext(self, maxCount: int) -> Sequence[Entry_co]: ...  # noqa: N802, N803 - pyVmomi's names

    def Remove(self) -> None: ...  # noqa: N802


def history_since(connection: VcenterConnection, machine: VirtualMachine, since: datetime) -> MachineHistory:
    """What vCenter's events and tasks say about the machine from `since` (vCenter's time) to now.

    A log that cannot be read is no error here: it is an incomplete history.
    """
    try:
        with translated(f"reading the events of {machine.name}"):
            return with_patience(connection.clock, lambda: _read_in_one_session(connection, machine, since))
    except VcenterError as error:
        return MachineHistory(complete=False, disturbances=(), gap=str(error))


def _read_in_one_session(
    connection: VcenterConnection, machine: VirtualMachine, since: datetime
) -> MachineHistory:
    number = connection.session_number
    try:
        return _read(connection, machine, since)
    except vmodl.fault.ManagedObjectNotFound:
        if connection.session_number == number:
            raise
    return _read(connection, machine, since)  # the collector died with its session


def _read(connection: VcenterConnection, machine: VirtualMachine, since: datetime) -> MachineHistory:
    events = list(_iter_entries(lambda: _event_collector(connection, machine, since)))
    tasks = list(_iter_entries(lambda: _task_collector(connection, machine, since)))
    disturbances = [words for event in events if (words := disturbance_of_event(event))]
    disturbances += [words for task in tasks if (words := disturbance_of_task(task))]
    gaps = [words for event in events if (words := blindness_of_event(event))]
    # Asked last: what the log loses while it is read, it has lost by now.
    if not _log_reaches_back(connection, since):
        gaps.insert(
            0, f"vCenter's event log does not reach back to {since.astimezone(UTC):%Y-%m-%d %H:%M:%S %Z}"
        )
    return MachineHistory(not gaps, tuple(sorted(disturbances)), "; ".join(gaps))


def _log_reaches_back(connection: VcenterConnection, since: datetime) -> bool:
    """Whether an event from before `since` is still there: vCenter purges its log from the oldest on."""
    time = vim.event.EventFilterSpec.ByTime(endTime=since)
    return bool(_event_manager(connection).QueryEvents(vim.event.EventFilterSpec(time=time, maxCount=1)))


def _event_collector(
    connection: VcenterConnection, machine: VirtualMachine, since: datetime
) -> vim.event.EventHistoryCollector:
    spec = vim.event.EventFilterSpec(
        entity=vim.event.EventFilterSpec.ByEntity(
            entity=connection.object_of(vim.VirtualMachine, machine.moref), recursion="self"
        ),
        time=vim.event.EventFilterSpec.ByTime(beginTime=since),
        disableFullMessage=True,
    )
    collector: vim.event.EventHistoryCollector = _event_manager(connection).CreateCollectorForEvents(spec)
    return collector


def _task_collector(
    connection: VcenterConnection, machine: VirtualMachine, since: datetime
) -> vim.TaskHistoryCollector:
    manager = connection.content.taskManager
    if manager is None:
        raise VcenterAnswerError(f"vCenter {connection.address.label} offers no task manager")
    spec = vim.TaskFilterSpec(
        entity=vim.TaskFilterSpec.ByEntity(
            entity=connection.object_of(vim.VirtualMachine, machine.moref), recursion="self"
        ),
        time=vim.TaskFilterSpec.ByTime(timeType="queuedTime", beginTime=since),
    )
    collector: vim.TaskHistoryCollector = manager.CreateCollectorForTasks(spec)
    return collector


def _event_manager(connection: VcenterConnection) -> vim.event.EventManager:
    manager = connection.content.eventManager
    if manager is None:
        raise VcenterAnswerError(f"vCenter {connection.address.label} offers no event manager")
    return manager


def _iter_entries(create: Callable[[], _Collector[Entry]]) -> Iterator[Entry]:
    """Yield everything a collector holds; it is always given back, a session has only 32 of them."""
    collector = create()
    try:
        while page := collector.ReadNext(PAGE_ENTRIES):
            yield from page
    finally:
        _give_back(collector)


def _give_back(collector: _Collector[object]) -> None:
    try:
        collector.Remove()
    except vmodl.MethodFault:
        return  # gone with its session
