"""Which of vCenter's events and tasks mean that change tracking must not be believed; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from pyVmomi import vim

# The machine's files may be other ones than before.
_REPLACING_EVENTS: dict[type[vim.event.Event], str] = {
    vim.event.VmRegisteredEvent: "the machine was registered anew",
    vim.event.VmDiscoveredEvent: "the machine was discovered anew on a host",
    vim.event.VmReloadFromPathEvent: "the machine's configuration was loaded from another file",
    vim.event.VmDateRolledBackEvent: "the machine's date was rolled back",
}

# While one of these lasts, vCenter does not hear what is done on the host.
_BLINDING_EVENTS: dict[type[vim.event.Event], str] = {
    vim.event.VmDisconnectedEvent: "vCenter lost the connection to the machine's host",
    vim.event.VmOrphanedEvent: "the machine was gone from its host for a while",
}

# In task names, description ids and event type ids: `VirtualMachine.revertToCurrentSnapshot` and its like.
_REVERTING = re.compile(r"revert|restoreFile|rollback", re.IGNORECASE)


def disturbance_of_event(event: vim.event.Event) -> str | None:
    """What makes tracking unbelievable, in words with time and user, or None for a harmless event."""
    what = next((words for kind, words in _REPLACING_EVENTS.items() if isinstance(event, kind)), None)
    if what is None and isinstance(event, vim.event.TaskEvent):
        what = _reverting_task(event.info)
    if what is None and isinstance(event, vim.event.EventEx) and _REVERTING.search(event.eventTypeId):
        what = f"a snapshot was reverted to ({event.eventTypeId})"
    if what is None and isinstance(event, vim.event.VmReconfiguredEvent):
        what = "; ".join(_disk_changes(event.configSpec)) or None
    return _in_words(what, event.createdTime, event.userName) if what is not None else None


def disturbance_of_task(task: vim.TaskInfo) -> str | None:
    """The same for an entry of the task history."""
    what = _reverting_task(task)
    reason = task.reason.userName if isinstance(task.reason, vim.TaskReasonUser) else None
    return _in_words(what, task.queueTime, reason) if what is not None else None


def blindness_of_event(event: vim.event.Event) -> str | None:
    """Why vCenter may not have seen everything, in words, or None."""
    what = next((words for kind, words in _BLINDING_EVENTS.items() if isinstance(event, kind)), None)
    return _in_words(what, event.createdTime, None) if what is not None else None


def _reverting_task(task: vim.TaskInfo) -> str | None:
    # A failed attempt counts too: nobody says how far it came.
    name = f"{task.descriptionId or ''} {_method_name(task.name)}".strip()
    return f"a snapshot was reverted to ({name})" if _REVERTING.search(name) else None


def _method_name(method: object) -> str:
    """The API's name of a method: pyVmomi gives a method it knows, or a word for one it does not know."""
    known = getattr(method, "info", None)
    return str(getattr(known, "wsdlName", None) or getattr(method, "name", None) or method or "")


def _disk_changes(spec: vim.vm.ConfigSpec) -> Iterator[str]:
    """Yield the changes that put another disk, or another tracking file, where one was."""
    for change in spec.deviceChange:
        if not isinstance(change.device, vim.vm.device.VirtualDisk):
            continue
        if change.operation == "remove":
            yield f"disk {change.device.key} was removed"
        elif change.operation == "add" and not change.fileOperation:
            file = getattr(change.device.backing, "fileName", None) or "unnamed"
            yield f"an existing disk was attached ({file})"
    if spec.changeTrackingEnabled is False:
        yield "change tracking was turned off"
    for option in spec.extraConfig:
        if option.key.lower().endswith("ctkenabled"):
            yield f"{option.key} was set to {option.value}"


def _in_words(what: str, when: datetime, user: str | None) -> str:
    by = f" by {user}" if user else ""
    return f"{when:%Y-%m-%d %H:%M:%S %Z}{by}: {what}"
