"""The options that word a policy: one for each of its words."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.model.recovery_points import Consistency

NameArgument = Annotated[str, typer.Argument(metavar="POLICY", help="See `keepline policy list`.")]
LastOption = Annotated[int | None, typer.Option("--keep-last", help="Keep so many newest points.")]
DailyOption = Annotated[int | None, typer.Option("--keep-daily", help="Keep a point of so many days.")]
WeeklyOption = Annotated[int | None, typer.Option("--keep-weekly", help="Keep a point of so many weeks.")]
MonthlyOption = Annotated[int | None, typer.Option("--keep-monthly", help="Keep a point of so many months.")]
YearlyOption = Annotated[int | None, typer.Option("--keep-yearly", help="Keep a point of so many years.")]
ScheduleOption = typer.Option(
    "--schedule",
    metavar="CRON",
    help='Minute, hour, day of the month, month, weekday by name: "30 2 * * mon-fri".',
)
ZoneOption = typer.Option("--zone", help="Time zone of the schedule: UTC, or say Europe/Paris.")
VmOption = Annotated[
    list[str] | None, typer.Option("--vm", metavar="PATTERN", help='Machines by name: "web-*".')
]
FolderOption = Annotated[
    list[str] | None,
    typer.Option("--folder", metavar="PATH", help="Machines below an inventory folder: /DC/vm/Prod."),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="CATEGORY/NAME",
        help="Machines with a vCenter tag of their own, now and later: backup/gold. The first slash ends the "
        "category; a slash within the category is written %2f, a percent sign there %25.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Not those with this name.")
]
AcceptOption = Annotated[
    list[str] | None,
    typer.Option("--accept-missing", metavar="DISK", help="A disk, by label, that may be missing."),
]
ConsistencyOption = Annotated[
    Consistency | None,
    typer.Option(
        "--consistency",
        help="What the guest is asked for before its snapshot: nothing (crash, if nothing is said), to flush "
        "its file systems, or to bring its applications to rest too. A guest that cannot gives a weaker "
        "point, with a warning.",
    ),
]
DisabledOption = Annotated[bool, typer.Option("--disabled", help="Make it, but start nothing by it.")]
NewNameOption = Annotated[str | None, typer.Option("--name", help="Another name for it.")]
