"""`keepline point list|show|verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.documents import document_of
from appliance.cli.follow import follow_requested
from appliance.cli.invocation import JsonOption, invocation_of
from appliance.cli.output import Output
from appliance.cli.quantities import time_text
from appliance.cli.run_results import print_run
from appliance.model.identifiers import RecoveryPointId
from appliance.model.quantities import size_text
from appliance.model.recovery_points import DiskImage
from appliance.repository.points import ListedPoint

application = typer.Typer(help="Recovery points.")

PointArgument = Annotated[
    str, typer.Argument(metavar="POINT", help="The point's id, see `keepline point list`.")
]


@application.command(name="list")
def list_points(
    context: typer.Context,
    machine: Annotated[
        str | None, typer.Argument(metavar="VM", help="Only of this machine: name, path or instance UUID.")
    ] = None,
    *,
    json: JsonOption = False,
) -> None:
    """List the recovery points, oldest first."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        listing = appliance.points.listing(machine)
    if json:
        points, damaged = document_of(listing.points), document_of(listing.damaged)
        invocation.output.document({"points": points, "damaged": damaged})
        return
    headings = ("POINT", "MACHINE", "TAKEN", "CONSISTENCY", "DISKS", "SIZE", "STORED", "NOTES")
    invocation.output.table(headings, [_row(listed) for listed in listing.points])
    for each in listing.damaged:
        invocation.output.warn(f"the manifest of point {each.point} is damaged: {each.explanation}")


@application.command()
def show(context: typer.Context, point: PointArgument, *, json: JsonOption = False) -> None:
    """Show everything about one recovery point."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        found = appliance.points.find(RecoveryPointId(point))
    if json:
        invocation.output.document(
            {
                "point": document_of(found.point),
                "suspect_marks": document_of(found.suspect_marks),
                "tombstone": document_of(found.tombstone),
            }
        )
    else:
        _print_point(invocation.output, found)


@application.command()
def verify(context: typer.Context, point: PointArgument, *, json: JsonOption = False) -> None:
    """Read every block of a recovery point and compare its digest."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        requested = appliance.points.request_verification(RecoveryPointId(point))
        (run,) = follow_requested(appliance, invocation.output, [requested])
    raise typer.Exit(print_run(invocation.output, run, json=json))


def _row(listed: ListedPoint) -> tuple[str, ...]:
    point = listed.point
    return (
        point.id,
        point.machine_name,
        time_text(point.created_at),
        point.consistency,
        str(len(point.images)),
        size_text(sum(image.disk.capacity for image in point.images)),
        size_text(sum(image.statistics.stored for image in point.images)),
        ", ".join(_notes_on(listed)),
    )


def _notes_on(listed: ListedPoint) -> list[str]:
    notes = ["has gaps"] if listed.point.has_gaps else []
    notes += ["suspect"] if listed.suspect_marks else []
    notes += [listed.tombstone.reason] if listed.tombstone is not None else []
    return notes


def _print_point(output: Output, listed: ListedPoint) -> None:
    point = listed.point
    output.line(f"point        {point.id}")
    output.line(f"machine      {point.machine_name} ({point.machine_path})")
    output.line(f"taken        {time_text(point.created_at)}, {point.consistency}-consistent")
    output.line(f"written by   {point.software}")
    for excluded in point.excluded_disks:
        accepted = ", accepted" if excluded.accepted else ""
        output.line(f"NOT in it    {excluded.disk.label}: {excluded.reason}{accepted}")
    for mark in listed.suspect_marks:
        output.line(f"suspect      {mark.explanation} (found by run {mark.found_by})")
    if listed.tombstone is not None:
        output.line(f"{listed.tombstone.reason:<12} {listed.tombstone.explanation}")
    headings = (
        "DISK",
        "KEY",
        "SIZE",
        "SCOPE",
        "WHY",
        "READ",
        "STORED",
        "DEDUPLICATED",
        "TRANSPORT",
        "PARENT",
    )
    output.table(headings, [_disk_row(image) for image in point.images])


def _disk_row(image: DiskImage) -> tuple[str, ...]:
    return (
        image.disk.label,
        str(image.disk.device_key),
        size_text(image.disk.capacity),
        image.scope,
        image.scope_reason,
        size_text(image.statistics.read),
        size_text(image.statistics.stored),
        size_text(image.statistics.deduplicated),
        image.transport_mode,
        image.parent or "",
    )
