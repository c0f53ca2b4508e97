"""The main job on real input: a real guest, a full backup, three increments, restores, every byte compared.

Uses Keepline as an admin does, by its command line; only the vSphere behind it is simulated.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # JSON documents of the command line

from keepline_lab import Lab
from keepline_lab.guest import Guest, assert_sound, boot_guest, ensure_guest
from keepline_lab.guest_in_lab import apply_epoch, guest_machine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "demo"
KEEPLINE = Path(sys.executable).with_name("keepline")
MACHINE = "debian-guest"
CONSOLE_PORT = 8480
MIB = 1 << 20
GAPS_EXIT = 10


class DemoFailedError(Exception):
    """Something that the demo claims is not so."""


@dataclass(frozen=True, slots=True)
class Keepline:
    """The command line, with its own state folder."""

    state: Path
    vddk: Path

    def run(self, *arguments: str, password: str | None = None) -> dict[str, Any]:
        """Run one command with --json and return its document."""
        command = [str(KEEPLINE), *arguments, "--json"]
        environment = os.environ | {
            "KEEPLINE_STATE_FOLDER": str(self.state),
            "KEEPLINE_VDDK_FOLDER": str(self.vddk),
        }
        ended = subprocess.run(
            command, env=environment, input=password, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise DemoFailedError(
                f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
            )
        document: dict[str, Any] = json.loads(ended.stdout)
        return document

    def back_up(self) -> dict[str, Any]:
        """Back the guest up and return the run's result."""
        (run,) = self.run("backup", MACHINE)["runs"]
        result: dict[str, Any] = run["result"]
        return result


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce what happens and how long it took."""
    say(f"\n== {title}")
    begun = time.monotonic()
    yield
    say(f"   {time.monotonic() - begun:.1f} s")


def main() -> None:
    """Run the demo; an exception is a failure."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with step("the guest: a small Debian with an ext4, an XFS and an NTFS disk"):
        guest = ensure_guest()
        for disk in guest.disks:
            say(f"   {disk.name}: {disk.capacity // MIB} MiB")
    with Lab.start(FOLDER / "lab", [guest_machine(guest, MACHINE)]) as lab:
        keepline = Keepline(FOLDER / "state", lab.vddk_folder)
        connect(keepline, lab)
        points = back_up_over_time(keepline, lab, guest)
        compared = restore_everything(keepline, guest, points)
        compared += restore_machine(keepline, lab, guest, points)
        check_restored_guest(guest, points[-1])
        prove_nothing_left(lab)
    say("\nProved:")
    say(f"  {len(points)} points of a real guest: one full, {len(points) - 1} increments of real activity")
    say(f"  {compared // MIB:,} MiB restored, equal byte for byte to what the guest had at each moment")
    say("  the restored file systems are sound, the restored machine boots")
    say("  no snapshot and no access lock of Keepline is left in vCenter")
    say("\nThe vSphere behind it is simulated. Look around in what was made:")
    say(f"  export KEEPLINE_STATE_FOLDER={FOLDER / 'state'}")
    say(f"  {KEEPLINE} point list")
    say(f"  {KEEPLINE} console password && {KEEPLINE} console    # then open http://127.0.0.1:{CONSOLE_PORT}")


def connect(keepline: Keepline, lab: Lab) -> None:
    """Make a repository and get to know vCenter."""
    with step("a repository, and vCenter with its pinned certificate"):
        (FOLDER / "repository").mkdir()
        keepline.run("init", str(FOLDER / "repository"))
        address = lab.address
        keepline.run(
            "vcenter", "add", address.host, "--port", str(address.port), "--user", address.user,
            "--thumbprint", address.thumbprint_sha256, "--password-file", "-",
            password=address.password,
        )  # fmt: skip
        machines = keepline.run("vm", "list")["machines"]
        say(f"   machines: {', '.join(machine['machine']['name'] for machine in machines)}")


def back_up_over_time(keepline: Keepline, lab: Lab, guest: Guest) -> list[str]:
    """A full backup, then one after each round of activity; the points in order."""
    points = []
    for number in range(len(guest.epochs) + 1):
        title = f"increment {number}, after: {guest.epoch(number).title}" if number else "full backup"
        with step(title):
            if number:
                apply_epoch(lab.control, guest, number, MACHINE)
            result = keepline.back_up()
            points.append(result["point"])
            for disk in result["disks"]:
                numbers = disk["statistics"]
                say(
                    f"   {disk['label']}: read {numbers['read'] / MIB:.1f} MiB ({disk['scope']}), "
                    f"stored {numbers['stored'] / MIB:.1f}, deduplicated {numbers['deduplicated'] / MIB:.1f}"
                )
    return points


def restore_everything(keepline: Keepline, guest: Guest, points: list[str]) -> int:
    """Restore every disk of every point to a file and compare it; the number of bytes compared."""
    compared = 0
    with step("restore of every disk of every point, compared byte by byte"):
        for number, point in enumerate(points):
            for position, disk in enumerate(guest.disks):
                target, expected = FOLDER / "restored.raw", FOLDER / "expected.raw"
                label = f"Hard disk {position + 1}"
                keepline.run("restore", "disk", point, label, "--to", str(target), "--format", "raw")
                guest.write_epoch_image(disk.name, number, expected)
                compare(expected, target, f"{label} of point {number}")
                compared += disk.capacity
                keep_for_boot = number == len(points) - 1
                target.replace(FOLDER / f"restored-{position}.raw") if keep_for_boot else target.unlink()
                expected.unlink()
        say(f"   {compared // MIB:,} MiB equal")
    return compared


def restore_machine(keepline: Keepline, lab: Lab, guest: Guest, points: list[str]) -> int:
    """Restore the newest point as a new machine and compare its disks."""
    with step("restore of the newest point as a new machine, through VDDK"):
        keepline.run("restore", "vm", points[-1], "--name", f"{MACHINE}-restored")
        restored = lab.control.machine(f"{MACHINE}-restored")
        compared = 0
        for position, disk in enumerate(guest.disks):
            expected = FOLDER / "expected.raw"
            guest.write_epoch_image(disk.name, len(guest.epochs), expected)
            compare(expected, restored.disks[position].flat, f"disk {position + 1} of the new machine")
            expected.unlink()
            compared += disk.capacity
        say(f"   {compared // MIB:,} MiB equal")
    return compared


def check_restored_guest(guest: Guest, point: str) -> None:
    """The file systems' own checkers, and a boot."""
    with step(f"the restored guest of point {point}"):
        images = [FOLDER / f"restored-{position}.raw" for position in range(len(guest.disks))]
        for check in assert_sound(images):
            say(f"   {check.file_system.kind}: {check.command} finds it sound")
        report = boot_guest(guest, images[0])
        say(f"   it boots: {report.packages} packages, database {report.records}")
        if report.failed:
            raise DemoFailedError(f"the restored guest came up with failed units: {report}")


def prove_nothing_left(lab: Lab) -> None:
    """Ask the simulated vCenter what is left."""
    state = lab.control.state()
    left = [*state.snapshots, *state.holds, *state.open_handles, *state.attached]
    if left:
        raise DemoFailedError(f"left in vCenter: {left}")


def compare(expected: Path, restored: Path, what: str) -> None:
    """Compare two files with cmp(1), which knows nothing of Keepline."""
    ended = subprocess.run(["cmp", str(expected), str(restored)], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise DemoFailedError(f"{what} differs: {ended.stdout}{ended.stderr}")


if __name__ == "__main__":
    main()
