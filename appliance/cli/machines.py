"""`keepline vm list`."""

from __future__ import annotations

import typer

from appliance.cli.documents import document_of
from appliance.cli.invocation import JsonOption, VcenterOption, invocation_of
from appliance.cli.quantities import time_text
from appliance.model.quantities import size_text
from appliance.services import ListedMachine

application = typer.Typer(help="Machines of a vCenter.")


@application.callback()
def machines() -> None:
    """Keep `list` a command of its own: typer would fold a group of one into its only command."""


@application.command(name="list")
def list_machines(context: typer.Context, vcenter: VcenterOption = None, *, json: JsonOption = False) -> None:
    """List the machines, each with its newest recovery point."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        listed = appliance.inventory.machines(vcenter or appliance.vcenters.name_of_only())
    if json:
        invocation.output.document({"machines": document_of(listed)})
        return
    headings = ("NAME", "POWER", "DISKS", "SIZE", "TRACKING", "NEWEST POINT", "PATH")
    invocation.output.table(headings, [_row(each) for each in listed])


def _row(listed: ListedMachine) -> tuple[str, ...]:
    machine = listed.machine
    return (
        machine.name,
        "template" if machine.is_template else machine.power_state,
        str(len(machine.disks)),
        size_text(sum(disk.capacity for disk in machine.disks)),
        "on" if machine.change_tracking_enabled else "off",
        time_text(listed.protected_at),
        machine.path,
    )
