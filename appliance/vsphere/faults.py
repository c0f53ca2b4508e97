"""VSphere's faults as our errors: one table, used by every module of this package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyVmomi import vim, vmodl

from appliance.errors import VcenterError
from appliance.vsphere.errors import (
    DatastoreFileError,
    DatastoreFullError,
    FileLockedError,
    HostUnavailableError,
    MethodDisabledError,
    ObjectGoneError,
    PermissionMissingError,
    QuiesceFailedError,
    SessionLostError,
    TaskCancelledError,
    TaskInProgressError,
    VcenterRefusedError,
)

# The first row whose fault matches wins: a fault stands above the one it inherits from.
_ERROR_OF_FAULT: tuple[tuple[type[vmodl.MethodFault], type[VcenterError]], ...] = (
    (vim.fault.NotAuthenticated, SessionLostError),
    (vim.fault.NoPermission, PermissionMissingError),
    (vim.fault.TaskInProgress, TaskInProgressError),
    (vim.fault.ConcurrentAccess, TaskInProgressError),
    (vim.fault.FileLocked, FileLockedError),
    (vim.fault.NoDiskSpace, DatastoreFullError),
    (vim.fault.InsufficientStorageSpace, DatastoreFullError),
    (vim.fault.FileFault, DatastoreFileError),
    (vim.fault.InvalidDatastore, DatastoreFileError),
    (vim.fault.ApplicationQuiesceFault, QuiesceFailedError),
    (vim.fault.FilesystemQuiesceFault, QuiesceFailedError),
    (vim.fault.ToolsUnavailable, QuiesceFailedError),
    (vim.fault.MethodDisabled, MethodDisabledError),
    (vim.fault.MethodAlreadyDisabledFault, MethodDisabledError),
    (vim.fault.HostConnectFault, HostUnavailableError),
    (vmodl.fault.HostCommunication, HostUnavailableError),
    (vim.fault.NoActiveHostInCluster, HostUnavailableError),
    (vmodl.fault.ManagedObjectNotFound, ObjectGoneError),
    (vmodl.fault.RequestCanceled, TaskCancelledError),
)

# What a fault says beside its name and message, in the words of its own properties.
_TELLING_PROPERTIES = (
    "privilegeId",
    "object",
    "obj",
    "file",
    "datastore",
    "invalidProperty",
    "reason",
    "name",
    "source",
    "task",
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a vSphere fault of the body into our error, whose message begins with `doing`."""
    try:
        yield
    except vmodl.MethodFault as fault:
        raise error_of(fault, doing) from fault


def error_of(fault: vmodl.MethodFault, doing: str) -> VcenterError:
    """Our error for a fault, with everything the fault says about itself."""
    message = f"{doing}: {describe(fault)}"
    if _is_about_quiescing(fault):
        return QuiesceFailedError(message)
    for kind, error in _ERROR_OF_FAULT:
        if isinstance(fault, kind):
            return error(message)
    return VcenterRefusedError(message)


def describe(fault: vmodl.MethodFault) -> str:
    """A fault in one line: its name, its message, and the properties that name a thing."""
    name = type(fault).__name__.rsplit(".", 1)[-1]
    message = (getattr(fault, "msg", None) or "").strip().rstrip(".")
    told = [
        f"{key} {value}"
        for key in _TELLING_PROPERTIES
        if (value := getattr(fault, key, None)) is not None and str(value) not in message
    ]
    return " - ".join(part for part in (name, message, ", ".join(told)) if part)


def _is_about_quiescing(fault: vmodl.MethodFault) -> bool:
    """Whether a general fault means a guest that did not come to rest: its message keys say so."""
    return any("quiesc" in (message.key or "").lower() for message in fault.faultMessage)
