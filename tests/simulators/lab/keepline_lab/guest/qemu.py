"""A guest in QEMU, always by TCG: a /dev/kvm that opens does not mean that a guest runs on it.

QEMU is driven through its machine protocol (QMP, docs/interop/qmp-spec), the guest through its agent
(docs/interop/qemu-ga-ref): both are lines of JSON on UNIX sockets.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # documents of QMP: their types are QEMU's

from keepline_lab.errors import LabError
from keepline_lab.guest.tools import find_tool

CONNECT_SECONDS = 30
ANSWER_SECONDS = 120
BOOT_SECONDS = 240
STOP_SECONDS = 30
POLL_SECONDS = 0.2
KERNEL_ARGUMENTS = "root=LABEL=root rw console=ttyS0 net.ifnames=0 quiet"


@dataclass(frozen=True, slots=True)
class BlockDevice:
    """One disk given to QEMU; `node` is its name in QMP."""

    node: str
    path: Path
    image_format: str
    read_only: bool = False

    def arguments(self) -> list[str]:
        """Return what QEMU's command line needs for this disk."""
        backend = {"driver": "file", "filename": str(self.path), "read-only": self.read_only}
        node: dict[str, Any] = {"driver": self.image_format, "node-name": self.node, "file": backend}
        node |= {"read-only": self.read_only}
        return [
            "-blockdev",
            json.dumps(node),
            "-device",
            f"virtio-blk-pci,drive={self.node},serial={self.node}",
        ]


class JsonLines:
    """One connection that carries one JSON document a line."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._pending = b""

    def send(self, document: dict[str, Any]) -> None:
        """Send one document."""
        self._connection.sendall(json.dumps(document).encode() + b"\n")

    def receive(self, timeout_seconds: float) -> dict[str, Any]:
        """Return the next document.

        Raises:
            TimeoutError: none came in time.
            LabError: the other side closed the connection.
        """
        self._connection.settimeout(timeout_seconds)
        while b"\n" not in self._pending:
            received = self._connection.recv(65536)
            if not received:
                raise LabError("the guest or its QEMU ended")
            self._pending += received
        line, self._pending = self._pending.split(b"\n", 1)
        # The agent puts 0xFF before an answer to guest-sync-delimited; JSON never contains it.
        document: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        return document

    def call(self, command: str, **arguments: Any) -> Any:  # answers differ by command
        """Carry out one command and return its result; events in between are dropped.

        Raises:
            LabError: the command was refused.
        """
        self.send({"execute": command, **({"arguments": arguments} if arguments else {})})
        while True:
            answer = self.receive(ANSWER_SECONDS)
            if "error" in answer:
                raise LabError(f"{command} was refused: {answer['error'].get('desc')}")
            if "return" in answer:
                return answer["return"]


class GuestMachine:
    """A running guest: `monitor` speaks to QEMU, `agent` to the guest, `serial` is its console so far."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, monitor: JsonLines, agent: JsonLines
    ) -> None:
        self.process = process
        self.folder = folder
        self.monitor = monitor
        self.agent = agent

    @property
    def serial(self) -> str:
        """What the guest has written to its serial port."""
        return (self.folder / "serial").read_text(errors="replace")

    def wait_for_agent(self) -> None:
        """Return when the guest is up; a guest that starts may drop or repeat what it is asked.

        Raises:
            LabError: QEMU ended or the guest did not come up.
        """
        deadline = time.monotonic() + BOOT_SECONDS
        identifier = 0
        while time.monotonic() < deadline:
            identifier += 1
            self.agent.send({"execute": "guest-sync", "arguments": {"id": identifier}})
            try:
                while self.agent.receive(1).get("return") != identifier:
                    pass
            except TimeoutError:
                self._check_running()
            else:
                return
        raise LabError(f"the guest did not come up within {BOOT_SECONDS} seconds: {self.serial[-500:]}")

    def wait_for_serial(self, text: str) -> str:
        """Return the line of the serial console that contains `text`, as soon as it is complete.

        Raises:
            LabError: QEMU ended or the line did not come.
        """
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline:
            for line in self.serial.splitlines(keepends=True):
                if text in line and line.endswith("\n"):
                    return line.strip()
            self._check_running()
            time.sleep(POLL_SECONDS)
        raise LabError(f"the guest did not say {text!r} within {BOOT_SECONDS} seconds: {self.serial[-500:]}")

    def run_script(self, script: str) -> str:
        """Run a shell script in the guest and return what it printed.

        Raises:
            LabError: the script failed.
        """
        arguments = {"path": "/bin/sh", "arg": ["-c", script], "capture-output": True}
        identifier = self.agent.call("guest-exec", **arguments)["pid"]
        while not (status := self.agent.call("guest-exec-status", pid=identifier))["exited"]:
            time.sleep(POLL_SECONDS)
        printed = _decoded(status, "out-data")
        if status.get("exitcode") != 0:
            raise LabError(f"a script failed in the guest: {_decoded(status, 'err-data') or printed}")
        return printed

    def _check_running(self) -> None:
        if self.process.poll() is not None:
            complaint = (self.folder / "errors").read_text(errors="replace").strip()
            raise LabError(f"QEMU ended with status {self.process.returncode}: {complaint}")


def _decoded(status: dict[str, Any], key: str) -> str:
    return base64.b64decode(status.get(key, "")).decode(errors="replace").strip()


@contextmanager
def started_machine(
    kernel: Path, initial_ram_disk: Path, disks: Sequence[BlockDevice]
) -> Iterator[GuestMachine]:
    """Start a guest without a network, paused; it is killed on leaving."""
    with ExitStack() as stack:
        # Paths of UNIX sockets are limited to 107 bytes, so they lie in a folder of their own.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepline-guest-")))
        command = [find_tool("qemu-system-x86_64"), *_machine_arguments(folder, kernel, initial_ram_disk)]
        for disk in disks:
            command += disk.arguments()
        errors = stack.enter_context((folder / "errors").open("wb"))
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        stack.callback(_stop, process)
        monitor = stack.enter_context(_connected(folder / "monitor", process))
        agent = stack.enter_context(_connected(folder / "agent", process))
        machine = GuestMachine(process, folder, JsonLines(monitor), JsonLines(agent))
        machine.monitor.receive(ANSWER_SECONDS)  # the greeting
        machine.monitor.call("qmp_capabilities")
        yield machine


def _machine_arguments(folder: Path, kernel: Path, initial_ram_disk: Path) -> list[str]:
    return [
        *("-accel", "tcg,thread=multi", "-cpu", "qemu64", "-machine", "q35", "-m", "512", "-S"),
        *("-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"),
        *("-qmp", f"unix:{folder}/monitor,server=on,wait=off", "-serial", f"file:{folder}/serial"),
        *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=agent,path={folder}/agent,server=on,wait=off"),
        *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
        *("-kernel", str(kernel), "-initrd", str(initial_ram_disk), "-append", KERNEL_ARGUMENTS),
    ]


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(STOP_SECONDS)


def _connected(path: Path, process: subprocess.Popen[bytes]) -> socket.socket:
    deadline = time.monotonic() + CONNECT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            time.sleep(POLL_SECONDS)
        else:
            return connection
    complaint = (path.parent / "errors").read_text(errors="replace").strip()
    raise LabError(f"QEMU does not answer: {complaint}")
