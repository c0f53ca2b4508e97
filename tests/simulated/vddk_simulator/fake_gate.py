"""A stand-in for the simulated vCenter: one machine with one disk, and what a test wants it to refuse."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

USER = "backup@vsphere.local"
PASSWORD = "p+a ss%wörd"
THUMBPRINT = ":".join(["AB"] * 20)
SNAPSHOT = "snapshot-7"
DISK_PATH = "[fast disks] web 01/web 01.vmdk"
CELL = 65536

Fields = Mapping[str, str]


class RefusalError(Exception):
    """An answer with an error code of VDDK."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class FakeGate:
    """Answers the library on a loopback port; `log` holds every request."""

    folder: Path
    capacity: int = 1 << 20
    sector_size: int = 512
    tells_allocation: bool = True
    faults: dict[str, str] = field(default_factory=dict)
    refused_operations: dict[str, tuple[int, str]] = field(default_factory=dict)
    unsupported_modes: tuple[str, ...] = ()
    log: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the disk's files and listen."""
        self.flat.touch()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def flat(self) -> Path:
        return self.folder / "web 01-flat.vmdk"

    @property
    def cow(self) -> Path:
        return self.folder / "2000.cow"

    @property
    def map(self) -> Path:
        return self.folder / "2000.map"

    @property
    def descriptor(self) -> Path:
        return self.folder / "web 01.vmdk"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.log if operation != "faults"]

    def fields_of(self, operation: str) -> dict[str, str]:
        return next(fields for name, fields in self.log if name == operation)

    def close(self) -> None:
        """Stop listening and wait until every connection has ended."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # A client that aborts in the middle of a request is what many tests are about.
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while (request := read_request(stream)) is not None:
                operation = request.pop("op")
                self.log.append((operation, request))
                try:
                    answer = ["ok", *lines_of(self._answer(operation, request))]
                except RefusalError as refusal:
                    answer = [f"error {refusal.code} {quote(str(refusal))}"]
                connection.sendall(("\n".join(answer) + "\n\n").encode())

    def _answer(self, operation: str, request: Fields) -> Iterable[tuple[str, object]]:
        if operation in self.refused_operations:
            raise RefusalError(*self.refused_operations[operation])
        match operation:
            case "connect":
                return self._connect(request)
            case "open":
                return self._open(request)
            case "info":
                return self._properties()
            case "cleanup":
                return [("cleaned", 2), ("remaining", 1)]
            case "faults":
                return list(self.faults.items())
            case _:
                return []

    def _connect(self, request: Fields) -> Iterable[tuple[str, object]]:
        if (request["user"], request["password"]) != (USER, PASSWORD) and not request["cookie"]:
            raise RefusalError(35, "wrong log-in")
        if request["vmx"] not in {"moref=vm-1", ""}:
            raise RefusalError(4000, "no such machine")
        if request["snapshot"] not in {SNAPSHOT, ""}:
            raise RefusalError(13003, "no such snapshot")
        valid = request["thumbprint"] == THUMBPRINT
        return [
            ("session", "s"),
            ("host", "host-1"),
            ("thumbprint_valid", int(valid)),
            ("thumbprint", THUMBPRINT),
        ]

    def _open(self, request: Fields) -> Iterable[tuple[str, object]]:
        if request["mode"] in self.unsupported_modes:
            raise RefusalError(6, "not by this mode")
        if request["path"] != DISK_PATH:
            raise RefusalError(13, "no disk of this machine")
        return [("handle", "handle 1"), *self._properties()]

    def _properties(self) -> list[tuple[str, object]]:
        return [
            ("flat", self.flat),
            ("cow", self.cow),
            ("map", self.map),
            ("cell", CELL),
            ("capacity", self.capacity),
            ("uuid", "60 00 C2 91"),
            ("adapter", "lsilogic"),
            ("links", 2),
            ("sector_size", self.sector_size),
            ("allocated", int(self.tells_allocation)),
            ("descriptor", self.descriptor),
        ]


def read_request(stream: BinaryIO) -> dict[str, str] | None:
    """Return the fields of the next request, or None when the client is gone."""
    fields: dict[str, str] = {}
    while (line := stream.readline().decode().rstrip("\n")) != "":
        key, _, value = line.partition(" ")
        assert quote(unquote(value), safe="/:@~") == value, f"not percent-encoded: {line}"
        fields[key] = unquote(value)
    return fields or None


def lines_of(pairs: Iterable[tuple[str, object]]) -> list[str]:
    return [f"{key} {quote(str(value))}" for key, value in pairs]
