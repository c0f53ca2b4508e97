"""The main job on real input: a real guest, a full backup, three increments, restores, every byte compared.

Uses Keepline as an admin does, by its command line; only the vSphere behind it is simulated.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from at_work import POLICY, AtWork, at_work, check
from command_line import KEEPLINE, DemoFailedError, Keepline, say, step

from keepline_lab import Lab
from keepline_lab.guest import Guest, assert_sound, boot_guest, ensure_guest
from keepline_lab.guest_in_lab import apply_epoch, guest_machine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "demo"
MACHINE = "debian-guest"
MIB = 1 << 20
TAG = ("backup", "each-minute")
STOPPED = 128


def main() -> None:
    """Run the demo; an exception is a failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="end by itself, after a look at what runs at the end"
    )
    choice = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(
            number, lambda given, _frame: sys.exit(STOPPED + given)
        )  # what runs is ended on the way
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with step("the guest: a small Debian with an ext4, an XFS and an NTFS disk"):
        guest = ensure_guest()
        for disk in guest.disks:
            say(f"   {disk.name}: {disk.capacity // MIB} MiB")
    with Lab.start(FOLDER / "lab", [guest_machine(guest, MACHINE)]) as lab:
        keepline = Keepline(FOLDER / "state", lab.vddk_folder)
        connect(keepline, lab)
        prove_the_main_job(keepline, lab, guest)
        work_by_itself(keepline, lab, check_only=choice.check)
        prove_nothing_left(lab)


def prove_the_main_job(keepline: Keepline, lab: Lab, guest: Guest) -> None:
    """Backups, restores, and nothing left behind."""
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


def work_by_itself(keepline: Keepline, lab: Lab, *, check_only: bool) -> None:
    """A policy, the engine and the console: until somebody ends it, or until it is proved that it works."""
    with step("a policy on a vCenter tag that is due each minute, the engine and the console"):
        lab.control.tag(MACHINE, *TAG)
        keepline.run("policy", "add", POLICY, "--schedule", "* * * * *", "--tag", "/".join(TAG))
        with at_work(keepline) as running:
            if check_only:
                check(running, MACHINE)
            else:
                invite(running)
                running.process.wait()


def invite(running: AtWork) -> None:
    """Say where to look."""
    say("\nThe appliance goes on working by itself, over the simulated vSphere, until Ctrl-C.")
    say(f"\n  console   {running.address}")
    say("  user      admin")
    say(f"  password  {running.password}   (made for this demo)")
    say(f"\nPolicy {POLICY} backs up each minute what has the tag {'/'.join(TAG)}, which is the guest.")
    say("In another terminal:")
    say(f"  export KEEPLINE_STATE_FOLDER={FOLDER / 'state'}")
    say(f"  {KEEPLINE} point list")


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
            result = keepline.back_up(MACHINE)
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
