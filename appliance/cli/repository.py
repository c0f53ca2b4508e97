"""`keepline repository check`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.follow import follow_requested
from appliance.cli.invocation import JsonOption, invocation_of
from appliance.cli.run_results import print_run

application = typer.Typer(help="The repository as a whole.")


@application.callback()
def repository() -> None:
    """Keep `check` a command of its own: typer would fold a group of one into its only command."""


@application.command()
def check(
    context: typer.Context,
    *,
    read_data: Annotated[
        bool, typer.Option("--read-data", help="Read every block of every point and compare its digest.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Look at every object that a recovery point needs."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        requested = appliance.repositories.request_check(read_data=read_data)
        (run,) = follow_requested(appliance, invocation.output, [requested])
    raise typer.Exit(print_run(invocation.output, run, json=json))
