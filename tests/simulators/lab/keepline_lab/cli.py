"""`keepline-lab`: the laboratory from a shell."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.table import Table

from keepline_lab.errors import LabError
from keepline_lab.guest import ensure_guest
from keepline_lab.toolchain import build_simulators

application = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
guest = typer.Typer(no_args_is_help=True, help="The test guest: a real Debian that really changes.")
application.add_typer(guest, name="guest")


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
