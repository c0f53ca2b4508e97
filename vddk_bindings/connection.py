"""One connection to a server, for the disks of one machine and snapshot."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from vddk_bindings.connect_parameters import ConnectParameters, NativeConnectParameters, encoded
from vddk_bindings.constants import OpenFlag
from vddk_bindings.disk import Disk
from vddk_bindings.errors import HandleClosedError, InvalidArgumentError
from vddk_bindings.transfers import LibraryServices


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How to connect: `snapshot` is a moref of the same server, `transport_modes` are tried in order.

    Name the snapshot always when reading one: without it reads of delta disks fail with error 13.
    """

    snapshot: str | None = None
    read_only: bool = True
    transport_modes: Sequence[str] = ("nbdssl",)

    def __post_init__(self) -> None:
        if not self.transport_modes:
            raise InvalidArgumentError("no transport mode was named")
        for mode in self.transport_modes:
            if not mode.isalnum():
                raise InvalidArgumentError(f"{mode!r} is not a transport mode")


class Connection:
    """Made by `Library.connect`; a context manager that disconnects, after closing what is open of it.

    Any thread may use it: the library's calls all run on the designated thread.
    """

    def __init__(
        self,
        services: LibraryServices,
        parameters: ConnectParameters,
        options: ConnectOptions,
        on_closed: Callable[["Connection"], None],
    ) -> None:
        self._services = services
        self._options = options
        self._server = parameters.server
        self._on_closed = on_closed
        self._disks: list[Disk] = []
        self._closed = False
        # The structure must live as long as the connection.
        self._parameters = NativeConnectParameters(services.entry_points, parameters)
        try:
            self._connection = self._connect()
        except BaseException:
            self._parameters.release()
            raise

    def open_disk(self, path: str, flags: OpenFlag | None = None) -> Disk:
        """Open the disk "[datastore] folder/name.vmdk": the snapshot's backing file, not the live delta.

        Without `flags` it is opened for reading if the connection is read-only, else for writing.

        Raises:
            VixError: the library refused; code 1 here is most often a wrong thumbprint.
            HandleClosedError: the connection was closed.
        """
        name = encoded("path", path)
        chosen = (
            (OpenFlag.READ_ONLY if self._options.read_only else OpenFlag.NONE) if flags is None else flags
        )
        return self._services.open_close_thread.run(lambda: self._open(name, path, chosen))

    def close(self) -> None:
        """Close the disks that are open, disconnect, free the parameters; a second time does nothing.

        Raises:
            HandleBusyError: a thread is using one of the disks; nothing was disconnected.
            VixError: the library failed; what it failed to close stays open until the process ends.
        """
        self._services.open_close_thread.run(self._close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> int:
        snapshot = None if self._options.snapshot is None else encoded("snapshot", self._options.snapshot)
        connection = ctypes.c_void_p()
        self._services.entry_points.check(
            "VixDiskLib_ConnectEx",
            self._parameters.reference,
            bytes([self._options.read_only]),
            snapshot,
            ":".join(self._options.transport_modes).encode(),
            ctypes.byref(connection),
            context=self._server,
        )
        return connection.value or 0

    def _open(self, name: bytes, path: str, flags: OpenFlag) -> Disk:
        if self._closed:
            raise HandleClosedError(f"the connection to {self._server} was closed")
        handle = ctypes.c_void_p()
        self._services.entry_points.check(
            "VixDiskLib_Open", self._connection, name, int(flags), ctypes.byref(handle), context=path
        )
        disk = Disk(self._services, handle.value or 0, path, self._disks.remove)
        self._disks.append(disk)
        return disk

    def _close(self) -> None:
        if self._closed:
            return
        for disk in tuple(self._disks):
            disk.close()
        self._closed = True
        if self._disks:  # one failed to close, and said so: disconnecting beneath it could crash
            return
        self._services.entry_points.check("VixDiskLib_Disconnect", self._connection, context=self._server)
        self._on_closed(self)
        self._parameters.release()
