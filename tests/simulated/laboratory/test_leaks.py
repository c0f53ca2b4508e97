from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from keepline_lab.leaks import Loopback, held, leaks_since


def test_nothing_held_is_no_leak() -> None:
    assert leaks_since(held()) == []


def test_an_open_file_is_a_leak_until_it_is_closed(tmp_path: Path) -> None:
    before = held()
    with (tmp_path / "left-open").open("w"):
        assert "left-open" in "".join(leaks_since(before, settle_seconds=0))
    assert leaks_since(before) == []


def test_a_running_thread_is_a_leak_until_it_ends() -> None:
    before, end = held(), threading.Event()
    thread = threading.Thread(target=end.wait, name="left-running")
    thread.start()
    assert leaks_since(before, settle_seconds=0) == ["thread left-running"]
    end.set()
    assert leaks_since(before) == []
    thread.join()


def test_a_child_process_is_a_leak_until_it_is_waited_for() -> None:
    before = held()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert f"child process {child.pid}" in "".join(leaks_since(before, settle_seconds=0))
    child.communicate(b"\n")
    assert leaks_since(before) == []


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "vcenter.example.org", ""])
def test_an_address_off_loopback_is_refused_and_remembered(host: str) -> None:
    loopback = Loopback()
    with pytest.raises(PermissionError, match="tests stay on loopback"):
        loopback.audit("socket.connect", (None, (host, 443)))
    assert len(loopback.refused) == 1


@pytest.mark.parametrize(
    "address", [("127.0.0.1", 1), ("::1", 1, 0, 0), ("localhost", 1), "/run/a-unix-socket"]
)
def test_loopback_and_unix_sockets_are_allowed(address: object) -> None:
    loopback = Loopback()
    loopback.audit("socket.connect", (None, address))
    assert loopback.refused == []


def test_the_guard_watches_real_sockets() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        assert listener.getsockname()[1] > 0
