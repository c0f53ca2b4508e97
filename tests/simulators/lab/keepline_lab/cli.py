"""`keepline-lab`: the laboratory from a shell."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keepline_lab import guest_in_lab
from keepline_lab.address import LabAddress
from keepline_lab.control import Control
from keepline_lab.errors import LabError
from keepline_lab.extents import read_extents_file
from keepline_lab.guest import ensure_guest
from keepline_lab.lab import Lab, is_running, running_address
from keepline_lab.library import TRANSPORTS, LibraryBehaviour
from keepline_lab.machines import check_image, parse_bytes, parse_machine
from keepline_lab.paths import BUILD_FOLDER
from keepline_lab.settings import CONFIGURATION_NAME, VcenterSettings
from keepline_lab.toolchain import build_simulators

DEFAULT_FOLDER = BUILD_FOLDER / "lab"
DEFAULT_MACHINES = ("web-01:256M", "database-01:128M,64M")

application = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A vSphere that fits in a folder.",
)
guest = typer.Typer(no_args_is_help=True, help="The test guest: a real Debian that really changes.")
application.add_typer(guest, name="guest")

Folder = Annotated[Path, typer.Option("--folder", help="The laboratory's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Strict = Annotated[
    bool, typer.Option(help="End a client's process that breaks VDDK's rules on threads or libraries.")
]
WithGuest = Annotated[bool, typer.Option("--guest", help="Add the test guest as machine `debian`.")]
Foreground = Annotated[
    bool, typer.Option("--foreground/--detach", help="Stay until Ctrl-C, or go on in the background.")
]
MachineName = Annotated[str, typer.Argument(help="Name or managed object ID.")]
DiskName = Annotated[str, typer.Argument(help="Label, device key or number from 0.")]


def main() -> None:
    """Run one command; what it refuses is one line on standard error and exit status 1."""
    try:
        application()
    except LabError as error:
        sys.stderr.write(f"keepline-lab: {error}\n")
        sys.exit(1)


def _report(step: str) -> None:
    sys.stderr.write(f"keepline-lab: {step}\n")


@application.command()
def build() -> None:
    """Build the simulators unless they are up to date."""
    build_simulators(_report)


@application.command()
def up(  # noqa: PLR0917 - one parameter an option
    folder: Folder = DEFAULT_FOLDER,
    machine: Annotated[
        list[str] | None,
        typer.Option(help="NAME:SIZE[,SIZE…] for empty disks, NAME=IMAGE[,IMAGE…] for copies of raw images."),
    ] = None,
    with_guest: WithGuest = False,  # noqa: FBT002
    vddk_version: Annotated[str, typer.Option(help="Which VDDK the library plays.")] = "8.0.3",
    strict: Strict = False,  # noqa: FBT002
    transport: Annotated[str, typer.Option(help="Modes that work here, best first.")] = "nbdssl:nbd",
    latency: Annotated[list[str] | None, typer.Option(help="MODE=MICROSECONDS for each call.")] = None,
    bandwidth: Annotated[list[str] | None, typer.Option(help="MODE=BYTES a second for a connection.")] = None,
    api_version: Annotated[str | None, typer.Option(help="API version of vCenter, as 8.0.3.0.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
    foreground: Foreground = False,  # noqa: FBT002
) -> None:
    """Start a laboratory: a new one, or the one that the folder holds, as it was left."""
    behaviour = LibraryBehaviour(
        version=vddk_version,
        strict_threads=strict,
        strict_loader=strict,
        strict_libraries=strict,
        transports=tuple(transport.split(":")),
        latency_microseconds=_by_mode(latency or []),
        bytes_per_second=_by_mode(bandwidth or []),
    )
    if (folder / CONFIGURATION_NAME).exists():
        _check_no_machines(folder, chosen=bool(machine or with_guest or api_version))
        lab = Lab.resume(folder, behaviour=behaviour, detached=not foreground)
    else:
        lab = _new_lab(folder, machine or [], with_guest, behaviour, api_version, detached=not foreground)
    _print_address(lab.address, as_json=as_json)
    if foreground:
        _stay(lab)


def _new_lab(
    folder: Path,
    machines: list[str],
    with_guest: bool,  # noqa: FBT001 - the option's value
    behaviour: LibraryBehaviour,
    api_version: str | None,
    *,
    detached: bool,
) -> Lab:
    chosen = [parse_machine(text) for text in machines]
    built = ensure_guest(_report) if with_guest else None
    if built:
        chosen.append(guest_in_lab.guest_machine(built))
    if not chosen:
        chosen = [parse_machine(text) for text in DEFAULT_MACHINES]
    lab = Lab.start(
        folder,
        chosen,
        settings=VcenterSettings(api_version=api_version),
        behaviour=behaviour,
        simulators=build_simulators(_report),
        detached=detached,
    )
    if built:
        guest_in_lab.remember_guest(lab.folder, built, guest_in_lab.DEFAULT_NAME)
    return lab


def _check_no_machines(folder: Path, *, chosen: bool) -> None:
    if chosen:
        raise LabError(f"{folder} holds a laboratory already: its machines and vCenter stay as they are")


def _by_mode(texts: list[str]) -> dict[str, int]:
    values = {}
    for text in texts:
        mode, sign, value = text.partition("=")
        if mode not in TRANSPORTS or not sign or not value.isdecimal():
            raise LabError(f"{text!r} is not MODE=NUMBER with one of {', '.join(TRANSPORTS)}")
        values[mode] = int(value)
    return values


def _print_address(address: LabAddress, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(address.to_json())
        return
    rows = [
        ("vCenter", address.url),
        ("user", address.user),
        ("password", address.password),
        ("SHA-256 thumbprint", address.thumbprint_sha256),
        ("SHA-1 thumbprint", address.thumbprint_sha1),
        ("VDDK folder", str(address.vddk_folder)),
        ("control channel", address.control),
    ]
    for machine in address.machines:
        for disk in machine.disks:
            rows.append((f"{machine.name} / {disk.label}", f"{disk.capacity} bytes in {disk.file}"))  # noqa: PERF401
    width = max(len(name) for name, _ in rows)
    sys.stdout.writelines(f"{name:<{width}}  {value}\n" for name, value in rows)


def _stay(lab: Lab) -> None:
    """Stop the laboratory at SIGINT or SIGTERM; end with it when it ends by itself."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell lets what it starts with "&" ignore SIGINT
        signal.signal(number, signal.default_int_handler)
    _report("running until Ctrl-C")
    try:
        lab.wait()
    except KeyboardInterrupt:
        _report("stopping")
    else:
        raise LabError(f"the simulated vCenter ended by itself: see {lab.folder}/lab.log")
    finally:
        lab.stop()


@application.command()
def status(folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Show what a client needs; exit status 1 when the laboratory does not run."""
    _print_address(running_address(folder), as_json=as_json)


@application.command()
def down(folder: Folder = DEFAULT_FOLDER) -> None:
    """Stop a laboratory; its folder stays, and `up` starts it again."""
    address = running_address(folder)
    address.process.stop()
    if is_running(folder):
        raise LabError(f"the laboratory in {folder} does not end")


@application.command()
def write(
    machine: MachineName,
    disk: DiskName,
    folder: Folder = DEFAULT_FOLDER,
    offset: Annotated[str | None, typer.Option(help="Where to write --file: bytes, or 64K, 1M…")] = None,
    file: Annotated[Path | None, typer.Option(help="What to write.")] = None,
    replace_with: Annotated[
        Path | None, typer.Option(help="An image; exactly the blocks that differ are written.")
    ] = None,
    extents: Annotated[
        Path | None, typer.Option(help="JSON list of [offset, length]: where the bytes of --file go.")
    ] = None,
) -> None:
    """Change a disk as its guest would, between two backups."""
    address = running_address(folder)
    address.machine(machine).disk(disk)
    control = Control(address.control)
    match (offset, file, replace_with, extents):
        case (str(), Path(), None, None):
            control.write_file(machine, disk, parse_bytes(offset), _existing(file))
        case (None, None, Path(), None):
            check_image(replace_with)
            control.replace(machine, disk, replace_with.absolute())
        case (None, Path(), None, Path()):
            control.write_extents(machine, disk, read_extents_file(extents), _existing(file))
        case _:
            raise LabError("say one of: --offset N --file F, --replace-with IMAGE, --extents LIST --file F")


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise LabError(f"the file {file} does not exist")
    return file.absolute()


@guest.command("build")
def guest_build() -> None:
    """Build the test guest unless it is up to date: one to three minutes."""
    built = ensure_guest(_report)
    table = Table(title=f"Test guest in {built.folder}")
    for heading in ("epoch", "what", *(disk.name for disk in built.disks)):
        table.add_column(heading)
    for epoch in built.epochs:
        changed = (f"{change.length / 2**20:.1f} MiB" for change in epoch.changes)
        table.add_row(str(epoch.number), epoch.title, *changed)
    Console().print(table)


@guest.command("advance")
def guest_advance(
    epoch: Annotated[int, typer.Argument(help="The epoch at whose end the guest shall be.")],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Let the guest of a running laboratory live on: its disks change as they did in the real guest."""
    control = Control(running_address(folder).control)
    for passed in guest_in_lab.advance(folder, control, epoch):
        _report(f"epoch {passed} has passed")
