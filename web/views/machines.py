"""Virtual machines: the list, and one machine with its recovery points."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import RepositoryError
from appliance.model.runs import RunKind
from appliance.model.virtual_machines import MachineIdentity
from appliance.services import (
    BackupOrder,
    EstateMachine,
    ListedPoint,
    ListPage,
    ListWish,
    MachineNotListedError,
    PlaceGoneError,
    PointListing,
    Protection,
    RequestedRun,
    RunFilter,
    WrongFieldError,
    day_of,
    mark_of,
    month_of,
    page_of,
)
from appliance.services.estate_list import ROWS_CHOICES
from web.addresses import address_of
from web.failures import Problem
from web.request_context import audit, notify, services
from web.texts import counted_text

blueprint = Blueprint("machines", __name__, url_prefix="/machines")

SHOWN_RUNS = 10
CALENDAR_RUNS = 500
SHOWN_HITS = 6


@blueprint.get("")
def show_list() -> str:
    """One page of the machines that match."""
    estate, wish = services().estate.current(), _wish()
    return render_template(
        "machines/list.html",
        estate=estate,
        wish=wish,
        page=page_of(estate, wish),
        Protection=Protection,
        rows_choices=ROWS_CHOICES,
        has_vcenter=bool(services().vcenters.list()),
        address_of_page=_address_of_page,
    )


@blueprint.get("/hits")
def hits() -> str:
    """The first machines that match what is typed into the header's field."""
    words = request.args.get("q", "")
    wish = ListWish(words=words, rows=SHOWN_HITS)
    found = page_of(services().estate.current(), wish) if words.strip() else ListPage((), 0, 1, 1, 0, 0)
    return render_template("machines/hits.html", page=found, words=words)


@blueprint.post("/refresh")
def refresh() -> Response:
    """Read all vCenters and the repository now."""
    services().estate.refresh()
    estate = services().estate.current()
    notify(f"The inventory was read: {counted_text(len(estate.machines), 'machine')}.")
    return redirect(url_for("machines.show_list"), code=303)


@blueprint.post("/backups")
def back_up_chosen() -> Response:
    """Queue a backup of each machine that is ticked."""
    keys = request.form.getlist("machine")
    if not keys:
        raise WrongFieldError("no machine is chosen")
    chosen = [_machine(key) for key in keys]
    requested = _queue_backups(chosen)
    joined = sum(each.joined for each in requested)
    text = f"{counted_text(len(requested) - joined, 'backup')} queued."
    notify(f"{text} {counted_text(joined, 'machine')} had one already." if joined else text)
    return redirect(url_for("runs.show_list"), code=303)


@blueprint.get("/<key>")
def show(key: str) -> str:
    """One machine: its month, its points of a day, one point."""
    machine = _machine(key)
    listing, problem = _points_of(key)
    runs = services().runs.page(
        RunFilter(kinds=frozenset({RunKind.BACKUP}), subject=key, limit=CALENDAR_RUNS)
    )
    chosen = _chosen_point(listing.points)
    day = _wanted_day() or (day_of(chosen.point.created_at) if chosen else services().clock.now().date())
    return render_template(
        "machines/show.html",
        machine=machine,
        listing=listing,
        month=month_of(_wanted_month() or day.replace(day=1), listing.points, runs),
        day=day,
        of_day=[each for each in listing.points if day_of(each.point.created_at) == day],
        chosen=chosen,
        mark_of=mark_of,
        runs=runs[:SHOWN_RUNS],
        problem=problem,
        policies=[each for each in services().policies.list() if each.policy.name in machine.policies],
        is_stale=machine.vcenter in services().estate.current().stale_vcenters,
    )


def _points_of(key: str) -> tuple[PointListing, Problem | None]:
    """The machine's points; without its repository, the page still tells what is known."""
    try:
        return services().directory.of_machine(_identity(key)), None
    except RepositoryError as error:
        return PointListing((), ()), Problem.of(error, "The recovery points cannot be read now")


@blueprint.post("/<key>/backups")
def back_up(key: str) -> Response:
    """Queue a backup of this machine and show its run."""
    (requested,) = _queue_backups([_machine(key)], full=request.form.get("full") == "yes")
    if requested.joined:
        notify("This machine is being backed up already: this is that run.", "note")
    return redirect(url_for("runs.show", run_id=requested.run.id), code=303)


def _queue_backups(machines: list[EstateMachine], *, full: bool = False) -> list[RequestedRun]:
    by_vcenter: dict[str, list[EstateMachine]] = {}
    for machine in machines:
        if not machine.is_in_vcenter:
            raise PlaceGoneError(f"{machine.name} is in no vCenter that was read")
        by_vcenter.setdefault(machine.vcenter, []).append(machine)
    requested = []
    for vcenter, those in by_vcenter.items():
        order = BackupOrder(vcenter, [machine.moref for machine in those], full=full)
        requested += services().backups.request(order)
    for each in requested:
        audit("request backup", f"{each.run.subject_name} {each.run.id}")
    return requested


def _machine(key: str) -> EstateMachine:
    """The machine as the estate knows it."""
    found = services().estate.current().find(key)
    if found is None:
        raise MachineNotListedError(f"there is no machine {key}")
    return found


def _identity(key: str) -> MachineIdentity:
    vcenter, _, instance = key.partition(".")
    return MachineIdentity(vcenter, instance)


def _wish() -> ListWish:
    asked = request.args
    state = asked.get("state", "")
    rows = asked.get("rows", 50, type=int)
    return ListWish(
        words=asked.get("q", "")[:200],
        protection=Protection(state) if state in set(Protection) else None,
        vcenter=asked.get("vcenter", ""),
        place=asked.get("place", ""),
        site=asked.get("site", ""),
        page=asked.get("page", 1, type=int),
        rows=rows if rows in ROWS_CHOICES else 50,
    )


def _address_of_page(number: int) -> str:
    """The list's address with another page and everything else as it is."""
    return address_of("machines.show_list", {**request.args.to_dict(), "page": str(number)})


def _chosen_point(points: tuple[ListedPoint, ...]) -> ListedPoint | None:
    """The point that the address names, else the newest of its day, else the newest of all."""
    wanted = request.args.get("point")
    day = _wanted_day()
    for listed in reversed(points):
        if listed.point.id == wanted:
            return listed
    of_day = [listed for listed in points if day is None or day_of(listed.point.created_at) == day]
    return of_day[-1] if of_day else None


def _wanted_day() -> date | None:
    return _date_of(request.args.get("day", ""), "%Y-%m-%d")


def _wanted_month() -> date | None:
    return _date_of(request.args.get("month", ""), "%Y-%m")


def _date_of(text: str, form: str) -> date | None:
    """The date in an address; None where there is none or nobody could mean it."""
    try:
        found = datetime.strptime(text, form).replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None  # noqa: PLR2004 - years of this product
