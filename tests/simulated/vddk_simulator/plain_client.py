"""The smallest client of the library: ctypes, no bindings of ours. Runs in a child process."""

from __future__ import annotations

import ctypes as c
import sys
from dataclasses import dataclass, field
from pathlib import Path

LOG = c.CFUNCTYPE(None, c.c_char_p, c.c_void_p)
COMPLETION = c.CFUNCTYPE(None, c.c_void_p, c.c_uint64)
PROGRESS = c.CFUNCTYPE(c.c_char, c.c_void_p, c.c_int)
READ_ONLY = 4
ASYNC = 25000


class Parameters(c.Structure):
    """VixDiskLibConnectParams with log-in by name; every string as an address."""

    _fields_ = (
        ("vmx", c.c_char_p),
        ("server", c.c_char_p),
        ("thumbprint", c.c_char_p),
        ("private", c.c_long),
        ("credentials", c.c_int),
        ("user", c.c_char_p),
        ("password", c.c_char_p),
        ("key", c.c_char_p),
        ("port", c.c_uint32),
        ("nfc_port", c.c_uint32),
        ("api", c.c_char_p),
        ("reserved", c.c_char * 8),
        ("state", c.c_void_p),
        ("spec", c.c_char * 24),
        ("kind", c.c_int),
    )


class Information(c.Structure):
    """VixDiskLibInfo."""

    _fields_ = (
        ("geometry", c.c_uint32 * 6),
        ("capacity", c.c_uint64),
        ("adapter", c.c_int),
        ("links", c.c_int),
        ("parent", c.c_char_p),
        ("uuid", c.c_char_p),
        ("logical", c.c_uint32),
        ("physical", c.c_uint32),
    )


class Create(c.Structure):
    """VixDiskLibCreateParams."""

    _fields_ = (
        ("kind", c.c_int),
        ("adapter", c.c_int),
        ("hardware", c.c_uint16),
        ("capacity", c.c_uint64),
        ("logical", c.c_uint32),
        ("physical", c.c_uint32),
    )


@dataclass
class Client:
    """The library of one laboratory and the values that are right for it."""

    folder: Path
    user: str
    password: str
    thumbprint: str
    snapshot: str
    path: str
    server: str
    port: int
    machine: str
    lines: list[str] = field(default_factory=list)
    keep: list[object] = field(default_factory=list)
    modes: bytes | None = b"nbdssl:nbd"

    def __post_init__(self) -> None:
        """Load the library and declare what is not an int."""
        self.lib = c.CDLL(str(self.folder / "lib64" / "libvixDiskLib.so"))
        self._formatter = c.CDLL(None).vsnprintf
        self._formatter.argtypes = [c.c_void_p, c.c_size_t, c.c_char_p, c.c_void_p]
        for name in dir_of_functions():
            if hasattr(self.lib, name):
                getattr(self.lib, name).restype = c.c_uint64
        for name in ("GetErrorText", "ListTransportModes", "GetTransportMode", "AllocateConnectParams"):
            if hasattr(self.lib, "VixDiskLib_" + name):
                getattr(self.lib, "VixDiskLib_" + name).restype = c.c_void_p

    def call(self, name: str, *arguments: object) -> int:
        """Call VixDiskLib_NAME; addresses and sizes are given as c_void_p and c_uint64 by the caller."""
        result: int = getattr(self.lib, "VixDiskLib_" + name)(*arguments)
        return result

    def say(self, format_text: bytes, arguments: int) -> None:
        text = c.create_string_buffer(4096)
        self._formatter(text, 4096, format_text, arguments)
        self.lines.append(text.value.decode())

    def init(
        self, options: str | None = None, directory: Path | None = None, version: tuple[int, int] = (6, 5)
    ) -> int:
        log = LOG(self.say)
        self.keep.append(log)
        place = str(directory or self.folder).encode()
        return self.call("InitEx", *version, log, log, log, place, options.encode() if options else None)

    def parameters(self) -> Parameters:
        address = self.call("AllocateConnectParams")
        params = Parameters.from_address(address)
        params.vmx, params.server = f"moref={self.machine}".encode(), self.server.encode()
        params.port = self.port
        params.thumbprint, params.credentials = self.thumbprint.encode(), 1
        params.user, params.password = self.user.encode(), self.password.encode()
        return params

    def connect(
        self, params: Parameters | None = None, snapshot: str | None = "", *, read_only: bool = True
    ) -> int:
        """Return the error of ConnectEx; the connection is `self.connection`."""
        self.params = params or self.parameters()
        self.connection = c.c_void_p()
        name = self.snapshot.encode() if snapshot == "" else snapshot.encode() if snapshot else None
        mode = c.c_char(bytes([read_only]))
        return self.call("ConnectEx", c.byref(self.params), mode, name, self.modes, c.byref(self.connection))

    def open(self, flags: int = READ_ONLY, path: str | None = None) -> int:
        """Return the error of Open; the handle is `self.disk`."""
        self.disk = c.c_void_p()
        name = (path or self.path).encode()
        return self.call("Open", self.connection, name, c.c_uint32(flags), c.byref(self.disk))

    def ready(self, flags: int = READ_ONLY) -> None:
        """Initialise, connect and open."""
        for error in (self.init(), self.connect(read_only=bool(flags & READ_ONLY)), self.open(flags)):
            if error:
                raise SystemExit(f"error {error}: {self.lines}")

    def read(self, start: int, count: int, disk: c.c_void_p | None = None) -> tuple[int, bytes]:
        buffer = c.create_string_buffer(max(1, count) * 512)
        error = self.call(
            "Read", self.disk if disk is None else disk, c.c_uint64(start), c.c_uint64(count), buffer
        )
        return error, buffer.raw

    def write(self, start: int, content: bytes) -> int:
        return self.call("Write", self.disk, c.c_uint64(start), c.c_uint64(len(content) // 512), content)

    def information(self) -> Information:
        pointer = c.POINTER(Information)()
        error = self.call("GetInfo", self.disk, c.byref(pointer))
        if error:
            raise SystemExit(f"GetInfo: {error}")
        self.keep.append(pointer)
        return pointer.contents

    def blocks(self, start: int, count: int, chunk: int) -> tuple[int, list[tuple[int, int]]]:
        pointer = c.c_void_p()
        numbers = (c.c_uint64(start), c.c_uint64(count), c.c_uint64(chunk))
        error = self.call("QueryAllocatedBlocks", self.disk, *numbers, c.byref(pointer))
        if error or not pointer.value:
            return error, []
        amount = c.c_uint32.from_address(pointer.value).value
        pairs = (c.c_uint64 * (2 * amount)).from_address(pointer.value + 8)
        blocks = [(pairs[2 * index], pairs[2 * index + 1]) for index in range(amount)]
        self.call("FreeBlockList", pointer)
        return error, blocks

    def end(self) -> None:
        """Close, disconnect and free in the order of the programming guide."""
        self.call("Close", self.disk)
        self.call("Disconnect", self.connection)
        self.call("FreeConnectParams", c.byref(self.params))
        self.call("Exit")


def dir_of_functions() -> list[str]:
    names = Path(__file__).parents[2] / "simulators" / "vddk" / "exports" / "functions.txt"
    lines = names.read_text().splitlines()
    return [line.split()[0] for line in lines if not line.startswith("#")]


def from_arguments() -> Client:
    """Return the client of the laboratory named on the command line."""
    folder, user, password, thumbprint, snapshot, path, server, port, machine = sys.argv[2:11]
    return Client(Path(folder), user, password, thumbprint, snapshot, path, server, int(port), machine)
