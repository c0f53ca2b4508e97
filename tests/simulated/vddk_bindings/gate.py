"""A vCenter of one machine, as far as the simulated library asks: the gate of tests/simulators/README.md."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

Message = dict[str, str]

WRONG_THUMBPRINT = 1
NFC_MEMORY = 2
NO_SUCH_FILE = 4
ACCESS_REFUSED = 13
HELD_BY_ANOTHER = 31
WRONG_LOG_IN = 35
DEAD_SESSION = 3047
NO_SUCH_MACHINE = 4000
NO_SUCH_SNAPSHOT = 13003
WRONG_SERVER = 18000


@dataclass
class GateState:
    """What the server knows, and what happened to it."""

    server: str
    user: str
    password: str
    cookie: str
    thumbprint: str
    machine: str
    snapshot: str
    disks: dict[str, Path]
    capacity: int
    adapter: str = "lsilogic"
    sector_size: int = 512
    allocation_is_known: bool = True
    handle_limit: int = 16
    holder: str | None = None
    leftovers: int = 0
    handles: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)


class RefusedError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"refused with {code}")
        self.code = code


class GateHandler(socketserver.StreamRequestHandler):
    """One connection of a client; what it opened is closed when it ends."""

    server: "GateServer"

    def handle(self) -> None:
        self.mine: set[str] = set()
        self.modes: dict[str, str] = {}
        self.thumbprint_valid = False
        while request := self.read_message():
            try:
                with self.state.lock:
                    answer = self.answer_to(request)
                lines = ["ok", *(f"{key} {quote(value)}" for key, value in answer.items())]
            except RefusedError as error:
                lines = [f"error {error.code} refused"]
            self.wfile.write("".join(f"{line}\n" for line in [*lines, ""]).encode())
        with self.state.lock:
            self.state.handles -= self.mine
            self.state.leftovers += sum(self.modes[handle] == "hotadd" for handle in self.mine)

    @property
    def state(self) -> GateState:
        return self.server.state

    def read_message(self) -> Message:
        message: Message = {}
        while line := self.rfile.readline().decode().rstrip("\n"):
            key, _, value = line.partition(" ")
            message[key] = unquote(value)
        return message

    def answer_to(self, request: Message) -> Message:
        operations = {
            "connect": self.connect,
            "open": self.open,
            "close": self.close,
            "info": self.info,
            "prepare": self.prepare,
            "end": self.end,
            "cleanup": self.clean_up,
            "faults": self.faults,
        }
        return operations[request["op"]](request)

    def connect(self, request: Message) -> Message:
        self.check_log_in(request)
        if request["vmx"] != f"moref={self.state.machine}":
            raise RefusedError(NO_SUCH_MACHINE)
        if request["snapshot"] not in {"", self.state.snapshot}:
            raise RefusedError(NO_SUCH_SNAPSHOT)
        self.snapshot = request["snapshot"]
        self.thumbprint_valid = request["thumbprint"] == self.state.thumbprint
        return {
            "session": "s",
            "host": "host-1",
            "thumbprint_valid": str(int(self.thumbprint_valid)),
            "thumbprint": self.state.thumbprint,
        }

    def check_log_in(self, request: Message) -> None:
        if request["server"] != self.state.server:
            raise RefusedError(WRONG_SERVER)
        if request["cookie"]:
            if request["cookie"] != self.state.cookie:
                raise RefusedError(DEAD_SESSION)
        elif (request["user"], request["password"]) != (self.state.user, self.state.password):
            raise RefusedError(WRONG_LOG_IN)

    def open(self, request: Message) -> Message:
        if not self.thumbprint_valid:
            raise RefusedError(WRONG_THUMBPRINT)
        if request["path"] not in self.state.disks:
            raise RefusedError(NO_SUCH_FILE)
        read_only = int(request["flags"]) & 4
        if bool(self.snapshot) != bool(
            read_only
        ):  # the running machine cannot be read, its snapshot not written
            raise RefusedError(ACCESS_REFUSED)
        if len(self.state.handles) >= self.state.handle_limit:
            raise RefusedError(NFC_MEMORY)
        handle = f"{id(self)}-{len(self.modes)}"
        self.modes[handle] = request["mode"]
        self.mine.add(handle)
        self.state.handles.add(handle)
        return {"handle": handle, **self.properties(request["path"])}

    def properties(self, path: str) -> Message:
        flat = self.state.disks[path]
        return {
            "flat": str(flat),
            "cow": "",
            "map": "",
            "cell": "65536",
            "capacity": str(self.state.capacity),
            "uuid": "60 00 C2 9a bc de f0 12-34 56 78 9a bc de f0 12",
            "adapter": self.state.adapter,
            "links": "2",
            "sector_size": str(self.state.sector_size),
            "allocated": str(int(self.state.allocation_is_known)),
            "descriptor": str(flat).replace("-flat.vmdk", ".vmdk"),
        }

    def close(self, request: Message) -> Message:
        self.mine.discard(request["handle"])
        self.state.handles.discard(request["handle"])
        return {}

    def info(self, request: Message) -> Message:
        return {"handle": request["handle"], **self.properties(next(iter(self.state.disks)))}

    def faults(self, request: Message) -> Message:
        return {}

    def prepare(self, request: Message) -> Message:
        self.check_log_in(request)
        if self.state.holder not in {None, request["identity"]}:
            raise RefusedError(HELD_BY_ANOTHER)
        self.state.holder = request["identity"]
        return {}

    def end(self, request: Message) -> Message:
        self.check_log_in(request)
        if self.state.holder not in {None, request["identity"]}:
            raise RefusedError(HELD_BY_ANOTHER)
        self.state.holder = None
        return {}

    def clean_up(self, request: Message) -> Message:
        self.check_log_in(request)
        cleaned, self.state.leftovers = self.state.leftovers, 0
        return {"cleaned": str(cleaned), "remaining": "0"}


class GateServer(socketserver.ThreadingTCPServer):
    daemon_threads = False

    def __init__(self, state: GateState) -> None:
        super().__init__(("127.0.0.1", 0), GateHandler)
        self.state = state


@contextmanager
def running_gate(state: GateState) -> Iterator[str]:
    """The address a gate with `state` listens at."""
    with GateServer(state) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            host, port = server.server_address[:2]
            yield f"{host!s}:{port}"
        finally:
            server.shutdown()
            thread.join()
