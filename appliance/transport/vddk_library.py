"""VDDK in this process: loaded and started once, with a configuration of its own, and ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from appliance.clock import Clock
from appliance.model.disk_tasks import VddkAccess
from appliance.transport.errors import VddkInstallationError
from appliance.transport.vddk_errors import translated
from vddk_bindings import (
    ConnectParameters,
    Library,
    LibraryFile,
    LockedError,
    PasswordCredentials,
    VixError,
    find_library,
    write_configuration,
)

_NFC_BUFFER_64KIB: Final = 16
_NFC_BUFFER_COUNT: Final = 4
"""4 times 1 MiB for each open disk: what migration tools settled on; over 16 MiB Open fails."""

_OLDEST_VERSION: Final = (6, 7)
_PREPARE_TRIES: Final = 3
_PREPARE_PAUSE_SECONDS: Final = 2.0


@contextmanager
def running_vddk(access: VddkAccess) -> Iterator[Library]:
    """VDDK, started with `access.temporary_folder` as its own; to be entered once, on the main thread.

    The folder must be the same for every process of one run: a later clean-up finds leftovers by it.

    Raises:
        VddkInstallationError: the library folder cannot be used.
        DiskTransportError: the library refused to start.
    """
    folder = Path(access.temporary_folder)
    with translated(f"VDDK in {access.library_folder}"):
        file = find_library(Path(access.library_folder))
        _refuse_too_old(file)
        library = Library(file)
        library.initialise(_write_configuration(folder))
    try:
        yield library
    finally:
        with translated("VDDK's end"):
            library.exit()


def connect_parameters(access: VddkAccess, *, for_machine: bool = True) -> ConnectParameters:
    """Where and as whom to connect; without the machine only for clean-up."""
    with translated(f"log-in to {access.server}"):
        return ConnectParameters(
            server=access.server,
            credentials=PasswordCredentials(access.user, access.password),
            machine=access.machine if for_machine else None,
            thumbprint=access.thumbprint or None,
            port=access.port,
        )


def hold_access(library: Library, access: VddkAccess, identity: str, clock: Clock) -> str | None:
    """Keep vCenter from moving the machine's storage; what it said when it refused, else None.

    A refusal does not endanger the backup, so it is no error (VDDK guide, "Prepare For Access and End
    Access"; other products only warn too).
    """
    parameters = connect_parameters(access)
    for tries_left in reversed(range(_PREPARE_TRIES)):
        try:
            library.prepare_for_access(parameters, identity)
        except LockedError as error:
            if not tries_left:
                return str(error)
            clock.sleep(_PREPARE_PAUSE_SECONDS)
        except VixError as error:
            return str(error)
        else:
            return None
    return None


def end_access(library: Library, access: VddkAccess, identity: str) -> None:
    """Let vCenter move the machine's storage again; also after the process that held it died.

    Raises:
        DiskTransportError: vCenter refused.
    """
    with translated(f"end of access to {access.machine}"):
        library.end_access(connect_parameters(access), identity)


def clean_up(library: Library, access: VddkAccess) -> str:
    """Release what dead processes with the same temporary folder left attached; what was found, in words.

    Raises:
        DiskTransportError: VDDK refused.
    """
    with translated(f"clean-up at {access.server}"):
        outcome = library.cleanup(connect_parameters(access, for_machine=False))
    return f"released {outcome.cleaned_up} leftovers, {outcome.remaining} remain"


def _refuse_too_old(file: LibraryFile) -> None:
    """Older ones cannot tell which blocks are allocated, and their TLS is refused by today's vCenter.

    A file name with a major number alone says too little to refuse it.
    """
    if (file.version[0], *file.version[1:2], _OLDEST_VERSION[1])[:2] < _OLDEST_VERSION:
        version, oldest = (".".join(map(str, numbers)) for numbers in (file.version, _OLDEST_VERSION))
        raise VddkInstallationError(f"VDDK {version} in {file.root} is too old: {oldest} is the oldest")


def _write_configuration(folder: Path) -> Path:
    settings: dict[str, str | int | Path] = {
        "tmpDirectory": folder,
        "vixDiskLib.nfcAio.Session.BufSizeIn64KB": _NFC_BUFFER_64KIB,
        "vixDiskLib.nfcAio.Session.BufCount": _NFC_BUFFER_COUNT,
        "vixDiskLib.phoneHome.EnablePhoneHome": 0,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One file a process: movers of one run share the folder and start at the same time.
        return write_configuration(folder / f"vddk-{os.getpid()}.conf", settings)
    except OSError as error:
        message = f"cannot write VDDK's configuration in {folder}: {error.strerror}"
        raise VddkInstallationError(message) from error
