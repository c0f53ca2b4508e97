"""vCenters, the repository and the console's password."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError
from appliance.model.notifications import EmailNotifier
from appliance.services import NewVcenter, SignInRefusedError, WrongFieldError
from web.failures import Problem, status_of
from web.request_context import audit, notify, services, source

blueprint = Blueprint("settings", __name__, url_prefix="/settings")

Answer = tuple[str, int]


@blueprint.get("")
def show() -> str:
    """All settings."""
    return _page()


@blueprint.post("/vcenters")
def add_vcenter() -> Answer | Response:
    """Add a vCenter: without a confirmed certificate, show the one it presents; with it, log in once."""
    form = request.form
    try:
        new = _new_vcenter()
        if not new.thumbprint:
            return _confirmation(new, None)
    except ApplianceError as error:
        return _page(problem=Problem.of(error, "The vCenter was not added"), vcenter=form), status_of(error)
    try:
        added = services().vcenters.add(new)
    except ApplianceError as error:
        return _confirmation(new, error)
    audit("add vCenter", added.name)
    services().estate.refresh()
    notify(f"{added.name} was added.")
    return redirect(url_for("settings.show"), code=303)


@blueprint.post("/vcenters/<name>/tests")
def try_vcenter(name: str) -> str:
    """Try everything a backup needs from a vCenter."""
    return _page(tested=name, checks=services().vcenters.test(name))


@blueprint.post("/vcenters/<name>/removal")
def remove_vcenter(name: str) -> Response:
    """Forget a vCenter and its password."""
    services().vcenters.remove(name)
    audit("remove vCenter", name)
    services().estate.refresh()
    notify(f"{name} was removed. Its machines' recovery points stay.")
    return redirect(url_for("settings.show"), code=303)


@blueprint.post("/repository")
def add_repository() -> Answer | Response:
    """Make a folder the repository, or take over the one that lies there."""
    folder = request.form.get("folder", "").strip()
    try:
        if not folder.startswith("/"):
            raise WrongFieldError(f"the folder must be an absolute path on the appliance, not {folder!r}")
        made = services().repositories.initialise(Path(folder), services().state_folder)
    except ApplianceError as error:
        return _page(problem=Problem.of(error, "The repository was not added"), folder=folder), status_of(
            error
        )
    audit("add repository", made.location)
    for warning in made.warnings:
        notify(warning, "warn")
    services().estate.refresh()
    notify(f"{made.location} is the repository{'' if made.created else ': it was taken over as it is'}.")
    return redirect(url_for("settings.show"), code=303)


@blueprint.post("/repository/checks")
def check_repository() -> Response:
    """Queue a run that looks at every object a point needs, or reads them all."""
    requested = services().repositories.request_check(read_data=request.form.get("read_data") == "yes")
    audit("request repository check", requested.run.id)
    return redirect(url_for("runs.show", run_id=requested.run.id), code=303)


@blueprint.post("/password")
def change_password() -> Answer | Response:
    """Change the administrator's password, which ends all sessions."""
    access, form = services().access, request.form
    try:
        if form.get("new_password", "") != form.get("repeated_password", ""):
            raise WrongFieldError("the new password and its repetition differ")
        access.sign_in(form.get("password", ""), source())
        access.set_password(form.get("new_password", ""), source())
    except ApplianceError as error:
        problem = Problem.of(error, "The password was not changed")
        return _page(problem=problem), 403 if isinstance(error, SignInRefusedError) else status_of(error)
    return redirect(url_for("sessions.show"), code=303)


def _confirmation(new: NewVcenter, error: ApplianceError | None) -> Answer:
    """The certificate as it is presented now, and the password's field."""
    presented = services().vcenters.presented(new.host, new.port)
    problem = Problem.of(error, "The vCenter was not added") if error else None
    page = render_template("settings/confirm.html", new=new, presented=presented, problem=problem)
    return page, status_of(error) if error else 200


def _page(**said: object) -> str:
    context: dict[str, object] = {"problem": None, "vcenter": {}, "folder": "", "tested": "", "checks": []}
    return render_template(
        "settings/show.html",
        vcenters=services().vcenters.list(),
        readings={reading.name: reading for reading in services().estate.current().vcenters},
        repository=services().repositories.known_location(),
        notifier=_told(),
        points_failure=services().estate.current().points_failure,
        **{**context, **said},
    )


def _told() -> str:
    notifier = services().notifier.show().notifier
    if isinstance(notifier, EmailNotifier):
        return ", ".join(notifier.recipients)
    return notifier.url if notifier else ""


def _new_vcenter() -> NewVcenter:
    form = request.form
    host = form.get("host", "").strip()
    port = form.get("port", "443").strip()
    if not host:
        raise WrongFieldError("the vCenter's host is not named")
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise WrongFieldError(f"{port!r} is no port")
    return NewVcenter(
        name=form.get("name", "").strip() or host,
        host=host,
        port=int(port),
        user=form.get("user", "").strip(),
        password=form.get("password", ""),
        thumbprint=form.get("thumbprint", ""),
    )
