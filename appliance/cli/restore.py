"""`keepline restore disk|vm`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli.errors import UsageError
from appliance.cli.follow import follow_requested
from appliance.cli.invocation import JsonOption, VcenterOption, invocation_of
from appliance.cli.points import PointArgument
from appliance.cli.run_results import print_run
from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import RecoveryPointId
from appliance.model.requests import RestoreMachineRequest

application = typer.Typer(help="Bring a disk or a machine back.")


@application.command()
def disk(
    context: typer.Context,
    point: PointArgument,
    disk: Annotated[
        str, typer.Argument(metavar="DISK", help='Label ("Hard disk 1"), device key, or number from 0.')
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A file that does not exist yet.")],
    target_format: Annotated[TargetFormat, typer.Option("--format")] = TargetFormat.RAW,
    *,
    json: JsonOption = False,
) -> None:
    """Restore one disk to a file."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        requested = appliance.restores.request_disk(RecoveryPointId(point), disk, to, target_format)
        (run,) = follow_requested(appliance, invocation.output, [requested])
    raise typer.Exit(print_run(invocation.output, run, json=json))


@application.command(name="vm")
def machine(  # noqa: PLR0917 - typer makes the options from the parameters
    context: typer.Context,
    point: PointArgument,
    name: Annotated[str, typer.Option("--name", help="Name of the new machine.")],
    vcenter: VcenterOption = None,
    datastore: Annotated[str | None, typer.Option("--datastore")] = None,
    folder: Annotated[str | None, typer.Option("--folder", help="Inventory path of a folder.")] = None,
    cluster: Annotated[str | None, typer.Option("--cluster")] = None,
    host: Annotated[str | None, typer.Option("--host")] = None,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="A=B", help="Connect what was on network A to network B."),
    ] = None,
    *,
    power_on: Annotated[bool, typer.Option("--power-on", help="Power the machine on at the end.")] = False,
    json: JsonOption = False,
) -> None:
    """Restore a whole machine to a new one; its networks stay disconnected unless --network names them."""
    invocation = invocation_of(context)
    networks = network_pairs(network or ())
    with invocation.appliance() as appliance:
        request = RestoreMachineRequest(
            point=RecoveryPointId(point),
            vcenter=vcenter or appliance.vcenters.name_of_only(),
            name=name,
            datastore=datastore,
            folder=folder,
            cluster=cluster,
            host=host,
            networks=networks,
            power_on=power_on,
        )
        requested = appliance.restores.request_machine(request)
        (run,) = follow_requested(appliance, invocation.output, [requested])
    raise typer.Exit(print_run(invocation.output, run, json=json))


def network_pairs(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`A=B` taken apart; the first `=` separates, so a network to connect to may have one in its name.

    Raises:
        UsageError: a text has no `=`, or nothing on one side of it.
    """
    pairs = []
    for text in texts:
        before, equals, after = text.partition("=")
        if not (before and equals and after):
            raise UsageError(f"--network takes OLD=NEW, not {text!r}")
        pairs.append((before, after))
    return tuple(pairs)
