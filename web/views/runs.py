"""Runs: the list, and one run as it goes."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from appliance.model.identifiers import RunId
from appliance.model.runs import ACTIVE_STATES, ENDED_STATES, RunKind, RunState
from appliance.services import RunFilter, overview_of, result_of
from web.addresses import address_of
from web.live import live_answer, live_part
from web.request_context import audit, notify, services

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
        log=services().runs.log_of(run.id),
    )


def _kind() -> str:
    asked = request.args.get("kind", "")
    return asked if asked in set(RunKind) else ""


def _group() -> str:
    asked = request.args.get("group", "")
    return asked if asked in GROUPS else ""
