"""What needs me, what runs now, and is everything protected."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from appliance.model.runs import ACTIVE_STATES, ENDED_STATES, Run
from appliance.services import Duty, DutyKind, Estate, Protection, RunFilter, duties_of, overview_of, sites_of
from web.addresses import address_of
from web.live import live_answer, live_part
from web.request_context import services

blueprint = Blueprint("dashboard", __name__)

SHOWN_RUNS = 6
SHOWN_CELLS = 2000
"""Of more machines than these each cluster is one bar: the cells alone would make the page slow."""
OPENED_CELLS = 700
"""Of a cluster that is opened then: with everything else less than 200 KB of HTML."""
SHOWN_SITES = 100


@blueprint.get("/")
def show() -> str:
    """The page."""
    return render_template("dashboard/show.html", live=_live())


@blueprint.get("/dashboard/live")
def live() -> Response:
    """Its live part."""
    return live_answer(_live())


def _live() -> Markup:
    estate, now, opened = services().estate.current(), services().clock.now(), request.args.get("open", "")
    active = services().runs.page(RunFilter(states=ACTIVE_STATES, limit=1000))
    ended = services().runs.page(RunFilter(states=ENDED_STATES, limit=SHOWN_RUNS))
    return live_part(
        "dashboard/live.html",
        address_of("dashboard.live", {"open": opened}),
        estate=estate,
        Protection=Protection,
        sites=sites_of(estate),
        folded=len(estate.machines) > SHOWN_CELLS,
        opened=opened,
        most_cells=OPENED_CELLS,
        most_sites=SHOWN_SITES,
        address_of=address_of,
        duties=[(duty, *_remedy(duty)) for duty in _duties(estate, active)],
        running=[overview_of(run, now) for run in active[:SHOWN_RUNS]],
        running_count=len(active),
        ended=ended,
        has_vcenter=bool(services().vcenters.list()),
        repository=services().repositories.known_location(),
    )


def _duties(estate: Estate, active: Sequence[Run]) -> tuple[Duty, ...]:
    return duties_of(
        estate,
        active,
        engine_runs=services().engine.is_running(),
        undelivered=services().notifier.failing(),
    )


def _remedy(duty: Duty) -> tuple[str, str]:
    """The page where this duty is done, and what its button says."""
    if duty.kind is DutyKind.READ_FAILED_RUN:
        return url_for("runs.show", run_id=duty.subject), "See why"
    endpoint, query, label = REMEDIES[duty.kind]
    return address_of(endpoint, query), label


REMEDIES: dict[DutyKind, tuple[str, dict[str, str], str]] = {
    DutyKind.LOOK_AT_FAILED: ("machines.show_list", {"state": Protection.FAILED}, "Show them"),
    DutyKind.LOOK_AT_LATE: ("machines.show_list", {"state": Protection.LATE}, "Show them"),
    DutyKind.PROTECT_MACHINES: ("machines.show_list", {"state": Protection.NEVER}, "Back up"),
    DutyKind.PLAN_MACHINES: ("machines.show_list", {"state": Protection.UNPLANNED}, "Show them"),
    DutyKind.LOOK_AT_GAPS: ("machines.show_list", {}, "Show machines"),
    DutyKind.START_ENGINE: ("runs.show_list", {}, "Show runs"),
    DutyKind.MEND_NOTIFIER: ("notifier.show", {}, "Look"),
    DutyKind.REACH_VCENTER: ("settings.show", {}, "Check"),
    DutyKind.REACH_REPOSITORY: ("settings.show", {}, "Check"),
}
