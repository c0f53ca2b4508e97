"""Restore in two steps: what and where, then the plan; nothing changes before the plan is started."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError
from appliance.model.disk_tasks import TargetFormat
from appliance.model.identifiers import RecoveryPointId
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.requests import RestoreMachineRequest
from appliance.model.target_places import TargetPlaces
from appliance.services import (
    DiskOrder,
    ListWish,
    PlanBlockedError,
    PlanStaleError,
    RestoreOrder,
    RestorePlan,
    TargetChoices,
    WrongFieldError,
    choices_of,
    differences_of,
    page_of,
)
from web.failures import Problem, status_of
from web.request_context import audit, notify, services

blueprint = Blueprint("restores", __name__, url_prefix="/restores")

CHOICES = 20
NOT_OF_THE_ORDER = frozenset({"csrf", "digest", "shown"})
SHOWN_POINTS = 12


@blueprint.get("")
def choose_machine() -> str:
    """Which machine: those with points, by name."""
    words = request.args.get("q", "")
    estate = services().estate.current()
    found = page_of(estate, ListWish(words=words, rows=max(len(estate.machines), 1)))
    machines = [machine for machine in found.machines if machine.newest_point][:CHOICES]
    return render_template("restores/choose_machine.html", words=words, machines=machines)


@blueprint.get("/new")
def choose() -> str:
    """Step one: what and where."""
    listed = services().points.find(RecoveryPointId(request.args.get("point", "")))
    others = services().directory.of_machine(listed.point.machine).points
    vcenters = [vcenter.name for vcenter in services().vcenters.list()]
    wanted = request.args.get("vcenter") or _home_vcenter(listed.point.machine.key)
    vcenter = wanted if wanted in vcenters else next(iter(vcenters), "")
    readings = {reading.name: reading for reading in services().estate.current().vcenters}
    choices, problem = _choices(listed.point, vcenter)
    return render_template(
        "restores/choose.html",
        listed=listed,
        others=list(reversed(others))[:SHOWN_POINTS],
        vcenters=vcenters,
        vcenter=vcenter,
        reading=readings.get(vcenter),
        choices=choices,
        problem=problem,
        networks=dict(_networks(request.args)),
        compute=_compute_value(request.args),
        formats=list(TargetFormat),
        asked=request.args,
    )


def _choices(point: RecoveryPoint, vcenter: str) -> tuple[TargetChoices | None, Problem | None]:
    """What to choose from, as the vCenter was read last; no page waits for one."""
    places = services().estate.current().places.get(vcenter, TargetPlaces())
    try:
        return choices_of(services().restore_plans.source(point), places), None
    except ApplianceError as error:  # the disks can be had all the same
        return None, Problem.of(error, "The configuration of the machine cannot be read")


@blueprint.get("/plan")
def show_plan() -> Response:
    """Step two: what will happen."""
    order = _order(request.args)
    return make_response(_plan_page(services().restore_plans.plan(order), request.args, None))


@blueprint.post("")
def start() -> Response:
    """Start the plan that was shown; another one is shown instead where things have changed."""
    order = _order(request.form)
    try:
        requested = services().restore_plans.start(order, request.form.get("digest", ""))
    except (PlanStaleError, PlanBlockedError) as error:
        page = _plan_page(services().restore_plans.plan(order), request.form, error)
        return make_response(page, status_of(error))
    if requested.joined:
        notify("This restore was started already: this is its run.", "note")
    else:
        audit("start restore", f"{requested.run.subject_name} {requested.run.id}")
    return redirect(url_for("runs.show", run_id=requested.run.id), code=303)


def _plan_page(plan: RestorePlan, asked: MultiDict[str, str], error: ApplianceError | None) -> str:
    fields = [(name, value) for name, value in asked.items(multi=True) if name not in NOT_OF_THE_ORDER]
    is_stale = isinstance(error, PlanStaleError)
    return render_template(
        "restores/plan.html",
        plan=plan,
        fields=fields,
        back=f"{url_for('restores.choose')}?{urlencode(fields)}",
        problem=Problem.of(error) if error else None,
        differences=differences_of(asked.getlist("shown"), plan) if is_stale else None,
    )


def _order(asked: MultiDict[str, str]) -> RestoreOrder:
    """The order that a form or an address holds.

    Raises:
        WrongFieldError: a field is missing or holds what it cannot hold.
    """
    point = RecoveryPointId(_required(asked, "point", "the recovery point"))
    if asked.get("target") == "file":
        return DiskOrder(
            point=point,
            disk=_required(asked, "disk", "the disk"),
            target=_absolute(_required(asked, "file", "the file")),
            target_format=_format(asked.get("format", TargetFormat.RAW)),
        )
    kind, _, path = _compute_value(asked).partition(":")
    return RestoreMachineRequest(
        point=point,
        vcenter=_required(asked, "vcenter", "the vCenter"),
        name=_required(asked, "name", "the new machine's name"),
        datastore=_optional(asked, "datastore"),
        folder=_optional(asked, "folder"),
        cluster=path if kind == "cluster" else None,
        host=path if kind == "host" else None,
        networks=tuple((old, new) for old, new in _networks(asked) if new),
        power_on=asked.get("power_on") == "yes",
    )


def _compute_value(asked: MultiDict[str, str]) -> str:
    """`cluster:PATH` or `host:PATH`, empty for where the machine was; a link may name either by its word."""
    for kind in ("cluster", "host"):
        if named := asked.get(kind, "").strip():
            return f"{kind}:{named}"
    return asked.get("compute", "").strip()


def _networks(asked: MultiDict[str, str]) -> list[tuple[str, str]]:
    """Each network of the old machine with what its cards connect to; a form sends both lists in one order.

    Raises:
        WrongFieldError: the lists do not belong together.
    """
    old, new = asked.getlist("source_network"), asked.getlist("target_network")
    if len(old) != len(new):
        raise WrongFieldError("the networks of the form do not pair up")
    return list(zip(old, new, strict=True))


def _required(asked: MultiDict[str, str], name: str, what: str) -> str:
    value = asked.get(name, "").strip()
    if not value:
        raise WrongFieldError(f"{what} is not named")
    return value


def _optional(asked: MultiDict[str, str], name: str) -> str | None:
    return asked.get(name, "").strip() or None


def _absolute(path: str) -> str:
    """The console's own folder is nobody's business: only absolute paths are taken."""
    if not path.startswith("/") or not path.isprintable():
        raise WrongFieldError(f"the file must be an absolute path on the appliance, not {path!r}")
    return path


def _format(text: str) -> TargetFormat:
    try:
        return TargetFormat(text)
    except ValueError as error:
        raise WrongFieldError(f"there is no file format {text!r}") from error


def _home_vcenter(key: str) -> str:
    machine = services().estate.current().find(key)
    return machine.vcenter if machine else ""
