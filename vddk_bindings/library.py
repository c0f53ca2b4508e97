"""The loaded VDDK library: the first object to make and the last to give back."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from vddk_bindings.asynchronous import CompletionDispatcher
from vddk_bindings.call_statistics import CallStatistics, FunctionStatistics
from vddk_bindings.connect_parameters import ConnectParameters, encoded, native_parameters
from vddk_bindings.connection import Connection, ConnectOptions
from vddk_bindings.entry_points import EntryPoints
from vddk_bindings.errors import InvalidArgumentError, LibraryStateError
from vddk_bindings.library_file import LibraryFile
from vddk_bindings.log_relay import LogMessage, LogReceiver, LogRelay
from vddk_bindings.open_close_thread import OpenCloseThread
from vddk_bindings.process_guard import THIS_PROCESS, ProcessGuard
from vddk_bindings.transfers import LibraryServices

Result = TypeVar("Result")

API_VERSION: Final = (7, 0)
"""The level of the API these bindings were written for; an older library is asked for its own."""

MAXIMUM_IDENTITY_LENGTH: Final = 50
"""Longest name of who holds access (guide, "Prepare For Access and End Access")."""


@dataclass(frozen=True, slots=True)
class CleanupOutcome:
    """How many leftovers of dead clients were removed, and how many could not be."""

    cleaned_up: int
    remaining: int


class Library:
    """One VDDK library in this process; a context manager that ends it.

    Loading happens in the constructor. `initialise` may be called once in the life of a process, from its
    main thread; everything else from any thread. The process must not fork afterwards.

    Raises:
        LibraryLoadError: the dynamic loader refused the file.
    """

    def __init__(self, file: LibraryFile, process: ProcessGuard = THIS_PROCESS) -> None:
        self.file = file
        self._process = process
        self._statistics = CallStatistics()
        self.entry_points = EntryPoints(file, process, self._statistics)
        self._open_close_thread = OpenCloseThread(process)
        self._services = LibraryServices(
            self.entry_points,
            self._open_close_thread,
            CompletionDispatcher(self._statistics),
            file.generation,
        )
        self._log_relay = LogRelay()
        self._connections: list[Connection] = []
        self._running = False

    def initialise(
        self,
        configuration: Path | None = None,
        log: LogReceiver | None = None,
        api_version: tuple[int, int] | None = None,
        library_folder: Path | None = None,
    ) -> None:
        """Start the library: InitEx, then the thread that opens and closes.

        `configuration` is a file made by `write_configuration`. `log` gets every message on VDDK's own
        threads and may only store it. `library_folder` is the one that contains lib64, by default that of
        the loaded file; a wrong one leaves nbd and nbdssl only.

        Raises:
            ThreadRuleError: this is not the main thread.
            LibraryStateError: VDDK was initialised in this process before.
            VixError: the library refused.
        """
        self._process.claim_initialisation()
        self._log_relay = LogRelay(log)
        major, minor = api_version or min(API_VERSION, (*self.file.version, 0)[:2])
        self.entry_points.check(
            "VixDiskLib_InitEx",
            major,
            minor,
            *self._log_relay.callbacks,
            str(library_folder or self.file.root).encode(),
            None if configuration is None else str(configuration).encode(),
            context=f"API {major}.{minor}",
        )
        self._open_close_thread.start()
        self._running = True

    def connect(
        self,
        parameters: ConnectParameters,
        *,
        snapshot: str | None = None,
        read_only: bool = True,
        transport_modes: Sequence[str] = ("nbdssl",),
    ) -> Connection:
        """Connect to the disks of `parameters.machine` as of `snapshot`, a moref of the same server.

        `transport_modes` are tried from the first to the last. A wrong thumbprint shows only in `open_disk`.

        Raises:
            HostUnavailableError: the server does not answer.
            AuthenticationError: log-in or session refused.
            NotFoundError: no such machine or snapshot.
        """
        self._require_machine(parameters)
        options = ConnectOptions(snapshot, read_only, tuple(transport_modes))

        def connect() -> Connection:
            connection = Connection(self._services, parameters, options, self._connections.remove)
            self._connections.append(connection)
            return connection

        return self._on_designated_thread(connect)

    def prepare_for_access(self, parameters: ConnectParameters, identity: str) -> None:
        """Keep vCenter from moving the machine's storage; to be called before the snapshot is made.

        Only through vCenter, not through an ESXi host. Give it back with `end_access` and the same
        `identity`.

        Raises:
            LockedError: another backup holds the machine, or it is being moved.
        """
        self._change_access("VixDiskLib_PrepareForAccess", parameters, identity)

    def end_access(self, parameters: ConnectParameters, identity: str) -> None:
        """Let vCenter move the machine's storage again, after disks were closed and the snapshot was deleted.

        Also for what a process that died has prepared under the same `identity`.
        """
        self._change_access("VixDiskLib_EndAccess", parameters, identity)

    def cleanup(self, parameters: ConnectParameters) -> CleanupOutcome:
        """Remove what dead clients left behind, hot-added disks mostly; nothing may be open.

        To be called with the tmpDirectory of the client that died, before its snapshot is deleted.

        Raises:
            LibraryStateError: a connection of this process is open.
            InvalidArgumentError: `parameters` name a machine.
        """
        if parameters.machine is not None:
            raise InvalidArgumentError(f"clean-up is for all machines, not for {parameters.machine}")
        cleaned_up, remaining = ctypes.c_uint32(), ctypes.c_uint32()

        def clean_up() -> None:
            if self._connections:
                raise LibraryStateError("clean-up needs every connection of this process closed")
            with native_parameters(self.entry_points, parameters) as native:
                self.entry_points.check(
                    "VixDiskLib_Cleanup",
                    native.reference,
                    ctypes.byref(cleaned_up),
                    ctypes.byref(remaining),
                    context=parameters.server,
                )

        self._on_designated_thread(clean_up)
        return CleanupOutcome(cleaned_up.value, remaining.value)

    def transport_modes(self) -> tuple[str, ...]:
        """Return the transport modes this library could use, in its order."""
        modes: bytes | None = self._on_designated_thread(
            lambda: self.entry_points.call("VixDiskLib_ListTransportModes")
        )
        return tuple(mode for mode in (modes or b"").decode().split(":") if mode)

    def recent_log(self) -> tuple[LogMessage, ...]:
        """Return the last messages of VDDK's log, oldest first."""
        return self._log_relay.recent()

    def statistics(self) -> dict[str, FunctionStatistics]:
        """Return calls, bytes and seconds of each function used so far."""
        return self._statistics.totals()

    def exit(self) -> None:
        """Close every connection and end the library, on the main thread; a second time does nothing.

        The library is not ended when something failed to close before: that could crash, the process's end
        will do.

        Raises:
            ThreadRuleError: this is not the main thread.
            HandleBusyError: a thread is using a disk; nothing was ended.
            VixError: the library failed to close a disk or connection.
        """
        if not self._running:
            return
        self._process.require_main_thread("VixDiskLib_Exit")
        self._process.require_same_process()
        for connection in tuple(self._connections):
            connection.close()
        self._running = False
        self._open_close_thread.stop()
        if not self._connections:
            self.entry_points.call("VixDiskLib_Exit")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.exit()

    def _change_access(self, function: str, parameters: ConnectParameters, identity: str) -> None:
        self._require_machine(parameters)
        if len(identity) > MAXIMUM_IDENTITY_LENGTH:
            raise InvalidArgumentError(
                f"the identity {identity!r} is longer than {MAXIMUM_IDENTITY_LENGTH} characters"
            )
        name = encoded("identity", identity)

        def change() -> None:
            with native_parameters(self.entry_points, parameters) as native:
                self.entry_points.check(function, native.reference, name, context=str(parameters.machine))

        self._on_designated_thread(change)

    def _on_designated_thread(self, function: Callable[[], Result]) -> Result:
        if not self._running:
            raise LibraryStateError("VDDK is not initialised, or was ended")
        return self._open_close_thread.run(function)

    @staticmethod
    def _require_machine(parameters: ConnectParameters) -> None:
        if parameters.machine is None:
            raise InvalidArgumentError("no machine was named: the library would crash")
