"""`keepline run list|show|cancel|retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.documents import Document, log_document, run_document, runs_document
from appliance.cli.follow import follow_requested
from appliance.cli.invocation import JsonOption, invocation_of
from appliance.cli.output import Output
from appliance.cli.quantities import time_text
from appliance.cli.run_results import print_failure, print_runs, result_lines
from appliance.model.identifiers import RunId
from appliance.model.quantities import duration_text
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
        waits = appliance.runs.waits_of(runs)
    if json:
        invocation.output.document({**runs_document(runs), "waits": waits})
        return
    headings = ("RUN", "KIND", "SUBJECT", "STATE", "REQUESTED", "TOOK", "ERROR", "NOTE")
    invocation.output.table(headings, [_row(run, waits.get(run.id)) for run in runs])


@application.command()
def show(context: typer.Context, run: RunArgument, *, json: JsonOption = False) -> None:
    """Show a run with its log."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        found = appliance.runs.find(RunId(run))
        log = appliance.runs.log_of(found.id)
        wait = appliance.runs.waits_of([found]).get(found.id)
    if json:
        document: Document = {"run": run_document(found), "log": log_document(log), "waits": wait}
        invocation.output.document(document)
    else:
        _print_run(invocation.output, found, log, wait)


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


@application.command()
def retry(context: typer.Context, run: RunArgument, *, json: JsonOption = False) -> None:
    """Do once more what a failed or cancelled run was asked to do, and follow it to its end."""
    invocation = invocation_of(context)
    with invocation.appliance() as appliance:
        requested = appliance.retries.by_hand(RunId(run))
        runs = follow_requested(appliance, invocation.output, [requested])
    raise typer.Exit(print_runs(invocation.output, runs, [requested], json=json))


def _row(run: Run, wait: str | None) -> tuple[str, ...]:
    took = (
        "" if run.started_at is None or run.ended_at is None else duration_text(run.ended_at - run.started_at)
    )
    error = "" if run.failure is None else run.failure.code
    requested = time_text(run.requested_at)
    return (run.id, run.kind, run.subject_name, run.state, requested, took, error, _note(run, wait))


def _note(run: Run, wait: str | None) -> str:
    """What a run waits for, or which one it repeats."""
    if wait is not None:
        return f"waits: {wait}"
    return "" if run.retry_of is None else f"repeats {run.retry_of}"


def _print_run(output: Output, run: Run, log: list[RunLogLine], wait: str | None) -> None:
    output.line(f"run          {run.id}, attempt {run.attempt}")
    output.line(f"kind         {run.kind} of {run.subject_name}")
    output.line(f"state        {run.state}" + (f" ({run.phase})" if run.phase and not run.has_ended else ""))
    facts = {
        "waits": wait,
        "repeats": run.retry_of,
        "requested": time_text(run.requested_at),
        "started": None if run.started_at is None else time_text(run.started_at),
        "ended": None if run.ended_at is None else time_text(run.ended_at),
    }
    for name, fact in facts.items():
        if fact is not None:
            output.line(f"{name:<12} {fact}")
    if run.result is not None:
        for text in result_lines(run):
            output.line(text)
    for line in log:
        output.line(f"{time_text(line.at)} {'WARNING ' if line.warning else ''}{line.text}")
    if run.failure is not None:
        print_failure(output, run, run.failure)
