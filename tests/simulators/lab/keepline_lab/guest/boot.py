"""Does a restored guest come up? It is started over a throw-away overlay and says so on its serial port."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from keepline_lab.guest.fixture import Guest
from keepline_lab.guest.qemu import BlockDevice, started_machine
from keepline_lab.guest.tools import run_tool

HEARTBEAT = "KEEPLINE-GUEST"


@dataclass(frozen=True, slots=True)
class GuestReport:
    """What a booted guest says of itself; `records` is `ok:COUNT` of its database, or `none`."""

    root: str
    failed: int
    packages: int
    records: str


def boot_guest(guest: Guest, image: Path) -> GuestReport:
    """Boot the root disk `image` with the guest's kernel and return its report; `image` is not written to.

    Takes about half a minute.

    Raises:
        LabError: it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="keepline-boot-") as folder:
        overlay = Path(folder) / "root.qcow2"
        run_tool("qemu-img", "create", "-q", "-f", "qcow2", "-b", image.resolve(), "-F", "raw", overlay)
        disk = BlockDevice("root", overlay, "qcow2")
        with started_machine(guest.kernel, guest.initial_ram_disk, [disk]) as machine:
            machine.monitor.call("cont")
            line = machine.wait_for_serial(HEARTBEAT)
    facts = dict(word.split("=", 1) for word in line.split() if "=" in word)
    return GuestReport(facts["root"], int(facts["failed"]), int(facts["packages"]), facts["records"])
