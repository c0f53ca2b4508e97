"""`keepline backup VM…`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.follow import follow_requested
from appliance.cli.invocation import JsonOption, VcenterOption, invocation_of
from appliance.cli.policy_options import ConsistencyOption
from appliance.cli.run_results import print_runs
from appliance.model.recovery_points import Consistency
from appliance.services import BackupOrder


def backup(
    context: typer.Context,
    machines: Annotated[
        list[str], typer.Argument(metavar="VM…", help="Name, inventory path, instance UUID or moref.")
    ],
    vcenter: VcenterOption = None,
    accept_missing: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-missing", metavar="DISK", help='A disk, by label ("Hard disk 2"), that may be missing.'
        ),
    ] = None,
    *,
    consistency: ConsistencyOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read every disk as a whole; store what differs.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Back up machines now, and follow the runs to their end."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        order = BackupOrder(
            vcenter=vcenter or appliance.vcenters.name_of_only(),
            machines=machines,
            accepted_disks=accept_missing or (),
            full=full,
            consistency=consistency or Consistency.CRASH,
        )
        requested = appliance.backups.request(order)
        runs = follow_requested(appliance, invocation.output, requested)
    raise typer.Exit(print_runs(invocation.output, runs, requested, json=json))
