"""Runs: the list, and one run as it goes."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from appliance.model.identifiers import RunId
from appliance.model.runs import ACTIVE_STATES, ENDED_STATES, RunKind, RunState
from appliance.services import RunFilter, WrongFieldError, overview_of, result_of
from web.addresses import address_of
from web.live import live_answer, live_part
from web.request_context import audit, notify, services
from web.texts import counted_text

blueprint = Blueprint("runs", __name__, url_prefix="/runs")

ROWS = 50
GROUPS = {"active": ACTIVE_STATES, "ended": ENDED_STATES, "failed": frozenset({RunState.FAILED})}


@blueprint.get("")
def show_list() -> str:
    """One page of runs, newest first."""
    return render_template(
        "runs/list.html", live=_list(), kind=_kind(), group=_group(), kinds=list(RunKind), groups=GROUPS
    )


@blueprint.get("/live")
def live_list() -> Response:
    """The list's live part."""
    return live_answer(_list())


@blueprint.get("/<run_id>")
def show(run_id: str) -> str:
    """One run."""
    run = services().runs.find(RunId(run_id))
    return render_template("runs/show.html", run=run, live=_run(run_id))


@blueprint.get("/<run_id>/live")
def live(run_id: str) -> Response:
    """The run's live part."""
    return live_answer(_run(run_id))


@blueprint.post("/<run_id>/retry")
def retry(run_id: str) -> Response:
    """Queue once more what the run was asked to do, and show the run that will."""
    requested = services().retries.by_hand(RunId(run_id))
    audit("repeat run", f"{run_id} {requested.run.id}")
    if requested.joined:
        notify("It is being tried again already: this is that run.", "note")
    return redirect(url_for("runs.show", run_id=requested.run.id), code=303)


@blueprint.post("/retries")
def retry_chosen() -> Response:
    """Queue once more what each of these failed runs was asked to do."""
    chosen = request.form.getlist("run")
    if not chosen:
        raise WrongFieldError("no run is named")
    requested = [services().retries.by_hand(RunId(run_id)) for run_id in chosen[:ROWS]]
    for run_id, each in zip(chosen, requested, strict=False):
        audit("repeat run", f"{run_id} {each.run.id}")
    joined = sum(each.joined for each in requested)
    text = f"{counted_text(len(requested) - joined, 'run')} queued again."
    notify(f"{text} {counted_text(joined, 'one')} had been already." if joined else text)
    return redirect(url_for("runs.show_list"), code=303)


@blueprint.post("/<run_id>/cancellation")
def cancel(run_id: str) -> Response:
    """Ask for the run's end."""
    run = services().runs.cancel(RunId(run_id))
    audit("cancel run", run_id)
    notify("The run is cancelled." if run.has_ended else "The run stops as soon as it can.", "note")
    return redirect(url_for("runs.show", run_id=run_id), code=303)


def _list() -> Markup:
    kind, group, before = _kind(), _group(), request.args.get("before", "")
    wanted = RunFilter(
        kinds=frozenset({RunKind(kind)}) if kind else frozenset(),
        states=GROUPS.get(group, frozenset()),
        before=RunId(before) if before else None,
        limit=ROWS + 1,
    )
    runs, now = services().runs.page(wanted), services().clock.now()
    shown = runs[:ROWS]
    filters = {name: value for name, value in (("kind", kind), ("group", group), ("before", before)) if value}
    earlier = {**filters, "before": shown[-1].id} if len(runs) > ROWS else None
    return live_part(
        "runs/rows.html",
        address_of("runs.live_list", filters),
        moves=not before,
        runs=[overview_of(run, now) for run in shown],
        waits=services().runs.waits_of(shown),
        failed=[run.id for run in shown if run.state is RunState.FAILED] if group == "failed" else [],
        earlier=address_of("runs.show_list", earlier) if earlier else None,
        newest=address_of("runs.show_list", {"kind": kind, "group": group}),
        before=before,
        filtered=bool(kind or group),
    )


def _run(run_id: str) -> Markup:
    run = services().runs.find(RunId(run_id))
    return live_part(
        "runs/live.html",
        url_for("runs.live", run_id=run_id),
        moves=not run.has_ended,
        overview=overview_of(run, services().clock.now()),
        run=run,
        result=result_of(run),
        wait=services().runs.waits_of([run]).get(run.id),
        repetition=services().retries.repetition_of(run.id) if run.has_ended else None,
        log=services().runs.log_of(run.id),
    )


def _kind() -> str:
    asked = request.args.get("kind", "")
    return asked if asked in set(RunKind) else ""


def _group() -> str:
    asked = request.args.get("group", "")
    return asked if asked in GROUPS else ""
