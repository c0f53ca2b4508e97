"""Policies: the list, one policy with what it means and has done, and the form that makes or changes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError
from appliance.model.policies import DueKey, PolicyId
from appliance.services import (
    CONSISTENCY_TEXTS,
    WEEKDAY_NAMES,
    Difference,
    FieldProblem,
    ListedPolicy,
    MachinesWish,
    PolicyExistsError,
    PolicyForm,
    PolicyNotFoundError,
    PolicyPages,
    PolicyStaleError,
    Rhythm,
    VcenterNotFoundError,
    known_zones,
    machines_page,
    outcome_of,
    read_form,
)
from web.addresses import address_of
from web.failures import Problem, status_of
from web.request_context import audit, is_live_request, notify, services
from web.texts import counted_text

blueprint = Blueprint("policies", __name__, url_prefix="/policies")

Answer = tuple[str, int]

ROWS = 25
FIRST_ROWS = 8
"""Machines on a policy's own page; all of them have a page of their own."""
SHOWN_DUE_TIMES = 10


@dataclass(frozen=True, slots=True)
class Editing:
    """A form on its way: of a new policy, or with the id and the digest of the one it was opened for."""

    form: PolicyForm
    policy: str = ""
    digest: str = ""


@blueprint.get("")
def show_list() -> str:
    """All policies."""
    return render_template(
        "policies/list.html",
        rows=_pages().overview.rows(),
        outcome_of=outcome_of,
        has_vcenter=bool(services().vcenters.list()),
    )


@blueprint.get("/new")
def new() -> str:
    """The form of a new policy; names, folders and tags may come with the address."""
    vcenters = services().vcenters.list()
    form = PolicyForm(
        vcenter=vcenters[0].name if vcenters else "",
        names=request.args.get("names", ""),
        folders=request.args.get("folders", ""),
        tags=request.args.get("tags", ""),
    )
    return _form(Editing(form))


@blueprint.post("")
def add() -> Answer | Response:
    """Keep a new policy, or show its form again with what is wrong."""
    editing = _sent()
    read = read_form(editing.form)
    if read.words is None:
        return _refused(editing, read.problems)
    try:
        added = _pages().editor.add(read.words)
    except (PolicyExistsError, VcenterNotFoundError) as error:
        return _refused(editing, [_at_its_field(error)])
    audit("add policy", added.policy.name)
    notify(f"{added.policy.name} was added.")
    return _to(added)


@blueprint.post("/form")
def review() -> str:
    """The form again as it was sent, with what it would mean; for htmx only the latter. Nothing is kept."""
    editing = _sent()
    if is_live_request():
        return render_template("policies/preview.html", preview=_pages().editor.preview(editing.form))
    return _form(editing, reviewed=True)


@blueprint.get("/<policy_id>")
def show(policy_id: str) -> str:
    """One policy."""
    overview = _pages().overview
    listed = overview.find(PolicyId(policy_id))
    return render_template(
        "policies/show.html",
        listed=listed,
        policy=listed.policy,
        firings=overview.firings(listed.policy.id),
        coming=overview.coming(listed.policy, SHOWN_DUE_TIMES),
        outcome_of=outcome_of,
    )


@blueprint.get("/<policy_id>/machines")
def show_machines(policy_id: str) -> str:
    """The machines it means today, and those left out, with the reason; for htmx the first of them."""
    listed = _pages().overview.find(PolicyId(policy_id))
    meant = _pages().overview.machines(listed.policy)
    wish = _machines_wish()
    page = machines_page(meant.preview, wish) if meant.preview else None
    template = "policies/first_machines.html" if is_live_request() else "policies/machines.html"
    return render_template(
        template, policy=listed.policy, meant=meant, wish=wish, page=page, address_of_page=_address_of_page
    )


@blueprint.get("/<policy_id>/retention")
def show_retention(policy_id: str) -> str:
    """Which points of its machines stay and which would go, were retention applied now."""
    listed = _pages().overview.find(PolicyId(policy_id))
    meant = _pages().overview.machines(listed.policy)
    page = machines_page(meant.preview, replace(_machines_wish(), left_out=False)) if meant.preview else None
    plans = _pages().retention.plans([each.identity for each in page.machines]) if page else []
    return render_template(
        "policies/retention.html",
        policy=listed.policy,
        meant=meant,
        page=page,
        plans={each.machine.key: each for each in plans},
        address_of_page=_address_of_page,
    )


@blueprint.get("/<policy_id>/firings/<due_key>")
def show_firing(policy_id: str, due_key: str) -> str:
    """The runs of one due time, those that failed first."""
    overview = _pages().overview
    listed = overview.find(PolicyId(policy_id))
    firing = overview.firing(listed.policy.id, DueKey(due_key))
    pages = max(1, -(-firing.run_count // ROWS))
    number = min(max(request.args.get("page", 1, type=int), 1), pages)
    return render_template(
        "policies/firing.html",
        policy=listed.policy,
        firing=firing,
        outcome=outcome_of(firing),
        runs=overview.runs_of(firing, (number - 1) * ROWS, ROWS),
        number=number,
        pages=pages,
        address_of_page=_address_of_page,
    )


@blueprint.get("/<policy_id>/edit")
def edit(policy_id: str) -> str:
    """The policy's form."""
    opened = _pages().editor.open(PolicyId(policy_id))
    return _form(Editing(opened.form, opened.policy.id, opened.digest))


@blueprint.post("/<policy_id>")
def save(policy_id: str) -> Answer | Response:
    """Keep the policy's new words, or show its form again with what is in the way."""
    editing, id_ = replace(_sent(), policy=policy_id), PolicyId(policy_id)
    read = read_form(editing.form)
    if read.words is None:
        return _refused(editing, read.problems)
    try:
        saved = _pages().editor.save(id_, editing.digest, read.words)
    except (PolicyExistsError, VcenterNotFoundError) as error:
        return _refused(editing, [_at_its_field(error)])
    except PolicyNotFoundError as error:
        return _gone(editing, error)
    except PolicyStaleError as error:
        return _stale(editing, error, _pages().editor.differences(id_, read.words))
    audit("change policy", saved.policy.name)
    notify(f"{saved.policy.name} was saved.")
    return _to(saved)


@blueprint.post("/<policy_id>/enabling")
def enable(policy_id: str) -> Response:
    """Let it start runs again."""
    return _switched(policy_id, enabled=True)


@blueprint.post("/<policy_id>/disabling")
def disable(policy_id: str) -> Response:
    """Let it start nothing."""
    return _switched(policy_id, enabled=False)


@blueprint.get("/<policy_id>/removal")
def confirm_removal(policy_id: str) -> str:
    """What a removal would leave, and its button."""
    listed = _pages().overview.find(PolicyId(policy_id))
    meant = _pages().overview.machines(listed.policy)
    only = _pages().overview.only_by(listed.policy, meant.preview) if meant.preview else 0
    return render_template("policies/remove.html", policy=listed.policy, meant=meant, only=only)


@blueprint.post("/<policy_id>/removal")
def remove(policy_id: str) -> Response:
    """Forget the policy."""
    name = _pages().overview.find(PolicyId(policy_id)).policy.name
    _pages().policies.remove(name)
    audit("remove policy", name)
    notify(f"{name} was removed. Its runs and their recovery points stay.")
    return redirect(url_for("policies.show_list"), code=HTTPStatus.SEE_OTHER)


@blueprint.post("/<policy_id>/backups")
def back_up(policy_id: str) -> Response:
    """Queue a backup of every machine it means."""
    listed = _pages().overview.find(PolicyId(policy_id))
    requested = _pages().backups.request(listed.policy)
    joined = sum(each.joined for each in requested)
    audit("request backup", f"{len(requested) - joined} machines of policy {listed.policy.name}")
    text = f"{counted_text(len(requested) - joined, 'backup')} queued."
    notify(f"{text} {counted_text(joined, 'machine')} had one already." if joined else text)
    return redirect(url_for("runs.show_list"), code=HTTPStatus.SEE_OTHER)


def _pages() -> PolicyPages:
    return services().policy_pages


def _sent() -> Editing:
    form = PolicyForm.of(request.form.to_dict())
    return Editing(form, request.form.get("policy", ""), request.form.get("digest", ""))


def _form(
    editing: Editing,
    problems: Sequence[FieldProblem] = (),
    *,
    reviewed: bool = False,
    problem: Problem | None = None,
    differences: Sequence[Difference] = (),
) -> str:
    """The form; what it would mean is told where somebody has asked for it, else htmx asks."""
    by_field: dict[str, list[FieldProblem]] = {}
    for each in problems:
        by_field.setdefault(each.field, []).append(each)
    return render_template(
        "policies/form.html",
        editing=editing,
        form=editing.form,
        problems=by_field,
        problem=problem,
        differences=differences,
        preview=_pages().editor.preview(editing.form) if reviewed else None,
        vcenters=services().vcenters.list(),
        rhythms=Rhythm,
        weekdays=WEEKDAY_NAMES,
        zones=known_zones(),
        consistencies=CONSISTENCY_TEXTS,
    )


def _refused(editing: Editing, problems: Sequence[FieldProblem]) -> Answer:
    """Nothing was saved: each complaint is at its field."""
    where = counted_text(len(problems), "field")
    problem = Problem(
        "The policy was not saved",
        f"{where} cannot be meant as written.",
        problems[0].code,
        "Correct what is marked below; everything you entered is still there.",
    )
    return _form(editing, problems, problem=problem), HTTPStatus.BAD_REQUEST


def _gone(editing: Editing, error: PolicyNotFoundError) -> Answer:
    problem = replace(
        Problem.of(error, "The policy was removed meanwhile"),
        remedy="What you entered is still here: saving makes it anew.",
    )
    return _form(replace(editing, policy="", digest=""), problem=problem), HTTPStatus.CONFLICT


def _stale(editing: Editing, error: PolicyStaleError, differences: Sequence[Difference]) -> Answer:
    """Both versions; saving once more puts this one in the place of the one that is shown beside it."""
    newest = _pages().editor.open(PolicyId(editing.policy)).digest
    problem = Problem.of(error, "The policy was not saved")
    page = _form(replace(editing, digest=newest), problem=problem, differences=differences)
    return page, status_of(error)


def _at_its_field(error: ApplianceError) -> FieldProblem:
    field = "vcenter" if isinstance(error, VcenterNotFoundError) else "name"
    return FieldProblem(field, str(error), error.code)


def _switched(policy_id: str, *, enabled: bool) -> Response:
    name = _pages().overview.find(PolicyId(policy_id)).policy.name
    policies = _pages().policies
    switched = policies.enable(name) if enabled else policies.disable(name)
    audit("enable policy" if enabled else "disable policy", name)
    notify(f"{name} is {'enabled' if enabled else 'disabled'}.")
    return _to(switched)


def _to(listed: ListedPolicy) -> Response:
    for remark in listed.remarks:
        notify(f"{remark[:1].upper()}{remark[1:]}.", "note")
    return redirect(url_for("policies.show", policy_id=listed.policy.id), code=HTTPStatus.SEE_OTHER)


def _machines_wish() -> MachinesWish:
    asked = request.args
    return MachinesWish(
        words=asked.get("q", "")[:200],
        left_out=asked.get("group") == "left-out",
        page=asked.get("page", 1, type=int),
        rows=FIRST_ROWS if is_live_request() else ROWS,
    )


def _address_of_page(number: int) -> str:
    """This page's address with another page number and everything else as it is."""
    query = {**request.args.to_dict(), "page": str(number)}
    return address_of(request.endpoint or "", query, **(request.view_args or {}))
