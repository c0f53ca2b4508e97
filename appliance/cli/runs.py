"""`keepline run list|show|cancel`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.documents import log_document, run_document, runs_document
from appliance.cli.invocation import JsonOption, invocation_of
from appliance.cli.output import Output
from appliance.cli.quantities import duration_text, time_text
from appliance.cli.run_results import print_failure, result_lines
from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunKind, RunLogLine, RunState
from appliance.state import RunFilter

application = typer.Typer(help="Runs: what was asked for, and what became of it.")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, see `keepline run list`.")]


@application.command(name="list")
def list_runs(
    context: typer.Context,
    state: Annotated[list[RunState] | None, typer.Option("--state", help="Only in this state.")] = None,
    kind: Annotated[list[RunKind] | None, typer.Option("--kind", help="Only of this kind.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 50,
    before: Annotated[
        str | None,
        typer.Option("--before", metavar="RUN", help="The page after the one that ended with RUN."),
    ] = None,
    *,
    json: JsonOption = False,
) -> None:
    """List runs, newest first."""
    invocation = invocation_of(context)
    wanted = RunFilter(
        kinds=frozenset(kind or ()),
        states=frozenset(state or ()),
        before=None if before is None else RunId(before),
        limit=limit,
    )
    with invocation.appliance() as appliance:
        runs = appliance.runs.page(wanted)
    if json:
        invocation.output.document(runs_document(runs))
        return
    headings = ("RUN", "KIND", "SUBJECT", "STATE", "REQUESTED", "TOOK", "ERROR")
    invocation.output.table(headings, [_row(run) for run in runs])


@application.command()
def show(context: typer.Context, run: RunArgument, *, json: JsonOption = False) -> None:
    """Show a run with its log."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        found = appliance.runs.find(RunId(run))
        log = appliance.runs.log_of(found.id)
    if json:
        invocation.output.document({"run": run_document(found), "log": log_document(log)})
    else:
        _print_run(invocation.output, found, log)


@application.command()
def cancel(context: typer.Context, run: RunArgument, *, json: JsonOption = False) -> None:
    """Ask for the end of a run; a running one first takes back what it made in vCenter."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        cancelled = appliance.runs.cancel(RunId(run))
    if json:
        invocation.output.document({"run": run_document(cancelled)})
    elif cancelled.has_ended:
        invocation.output.line(f"{cancelled.id}: {cancelled.state}")
    else:
        invocation.output.line(f"{cancelled.id}: {cancelled.state}, asked to stop")


def _row(run: Run) -> tuple[str, ...]:
    took = (
        "" if run.started_at is None or run.ended_at is None else duration_text(run.ended_at - run.started_at)
    )
    error = "" if run.failure is None else run.failure.code
    return (run.id, run.kind, run.subject_name, run.state, time_text(run.requested_at), took, error)


def _print_run(output: Output, run: Run, log: list[RunLogLine]) -> None:
    output.line(f"run          {run.id}, attempt {run.attempt}")
    output.line(f"kind         {run.kind} of {run.subject_name}")
    output.line(f"state        {run.state}" + (f" ({run.phase})" if run.phase and not run.has_ended else ""))
    output.line(f"requested    {time_text(run.requested_at)}")
    if run.started_at is not None:
        output.line(f"started      {time_text(run.started_at)}")
    if run.ended_at is not None:
        output.line(f"ended        {time_text(run.ended_at)}")
    if run.result is not None:
        for text in result_lines(run):
            output.line(text)
    for line in log:
        output.line(f"{time_text(line.at)} {'WARNING ' if line.warning else ''}{line.text}")
    if run.failure is not None:
        print_failure(output, run, run.failure)
