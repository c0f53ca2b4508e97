"""What a process holds of the system, and what it held before: for tests that must leave nothing behind."""

from __future__ import annotations

import gc
import ipaddress
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SETTLE_SECONDS = 3.0
"""How long threads and children that were told to end may take to be gone."""

SOCKET_EVENTS = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})


@dataclass(frozen=True, slots=True)
class Held:
    """What the test's process holds of the system at one moment."""

    files: frozenset[tuple[int, str]]
    threads: frozenset[threading.Thread]
    children: frozenset[int]

    def beyond(self, before: Held) -> list[str]:
        """Say what is held here that was not held before."""
        files = [
            f"file descriptor {number}: {target}" for number, target in sorted(self.files - before.files)
        ]
        threads = [f"thread {thread.name}" for thread in self.threads - before.threads]
        children = [
            f"child process {number}: {_command_of(number)}" for number in self.children - before.children
        ]
        return files + threads + children


class Loopback:
    """Refuses every socket address off loopback; remembers the refusals, for code that swallows the error."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Look at one event of the interpreter (sys.addaudithook); quick for the very many others."""
        if event not in SOCKET_EVENTS:
            return
        address = arguments[1]
        if isinstance(address, tuple) and not _is_loopback(str(address[0])):
            self.refused.append(f"{event} {address}")
            raise PermissionError(f"a test tried {event} {address}: tests stay on loopback")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _command_of(process: int) -> str:
    try:
        return (
            Path(f"/proc/{process}/cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode(errors="replace")
            .strip()
        )
    except OSError:
        return "(just gone)"


def _files() -> Iterator[tuple[int, str]]:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a Path for each would cost more than the rest
        try:
            yield int(name), os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
        except OSError:  # the descriptor of the listing itself
            continue


def _children() -> Iterator[int]:
    for task in os.listdir("/proc/self/task"):  # noqa: PTH208
        try:
            yield from map(int, Path(f"/proc/self/task/{task}/children").read_text().split())
        except FileNotFoundError:  # a thread that has just ended
            continue


def held() -> Held:
    """Return what this process holds now."""
    return Held(frozenset(_files()), frozenset(threading.enumerate()), frozenset(_children()))


def leaks_since(before: Held, settle_seconds: float = SETTLE_SECONDS) -> list[str]:
    """Return what is held beyond `before`, after what is ending has had its time."""
    if not held().beyond(before):
        return []
    gc.collect()
    deadline = time.monotonic() + settle_seconds
    while (leaks := held().beyond(before)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return leaks
