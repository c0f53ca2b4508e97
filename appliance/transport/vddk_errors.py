"""The border where exceptions of the VDDK bindings become ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import vddk_bindings as vddk
from appliance.errors import DiskTransportError
from appliance.transport import errors

_HOST_PORT_CODES: Final = frozenset({14008, 14009})
_MAINTENANCE_CODES: Final = frozenset({14014, 14015})
_UNKNOWN_ERROR: Final = 1

_KINDS: Final[Mapping[type[vddk.VddkError], type[DiskTransportError]]] = MappingProxyType(
    {
        vddk.HostUnavailableError: errors.HostUnavailableError,
        vddk.OutOfMemoryError: errors.HostMemoryError,
        vddk.AuthenticationError: errors.LoginRefusedError,
        vddk.DiskAccessError: errors.DiskAccessError,
        vddk.NotFoundError: errors.DiskNotFoundError,
        vddk.LockedError: errors.DiskLockedError,
        vddk.DiskChainError: errors.DiskChainError,
        vddk.DatastoreFullError: errors.DatastoreFullError,
        vddk.LibraryFileError: errors.VddkInstallationError,
        vddk.MissingFunctionError: errors.VddkInstallationError,
    }
)


@contextmanager
def translated(subject: str) -> Iterator[None]:
    """Let nothing of the bindings out: their errors become DiskTransportErrors about `subject`."""
    try:
        yield
    except vddk.VddkError as error:
        raise _class_for(error)(f"{subject}: {error}") from error


def _class_for(error: vddk.VddkError) -> type[DiskTransportError]:
    if isinstance(error, vddk.VixError):
        if error.number in _HOST_PORT_CODES:
            return errors.HostPortClosedError
        if error.number in _MAINTENANCE_CODES:
            return errors.HostMaintenanceError
        if error.number == _UNKNOWN_ERROR and error.function == "VixDiskLib_Open":
            return errors.ThumbprintError
    matching = (ours for theirs, ours in _KINDS.items() if isinstance(error, theirs))
    return next(matching, errors.RefusedByVddkError)
