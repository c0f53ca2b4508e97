"""Signing in and out."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError
from web.failures import Problem, status_of
from web.gate import COOKIE, FORM_ADDRESS, KEPT_PREFIX, own_path, set_cookie
from web.request_context import parts, services, source

blueprint = Blueprint("sessions", __name__)


@blueprint.get("/sign-in")
def show() -> str:
    """The form."""
    return _form(own_path(request.args.get("next", "/")), [], None)


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Let the administrator in, to where they were going; a form that was cut off is offered again."""
    wanted, kept = own_path(request.form.get("next", "/")), _kept()
    access = services().access
    try:
        access.sign_in(request.form.get("password", ""), source())
    except ApplianceError as error:
        return make_response(_form(wanted, kept, Problem.of(error)), _refusal_status(error))
    token = parts().sessions.begin(access.stamp(), services().clock.now())
    if kept:
        session = parts().sessions.find(token, access.stamp(), services().clock.now(), by_hand=True)
        csrf = session.csrf_token if session else ""
        response: Response = make_response(_resumption(wanted, _without_prefix(kept), csrf))
    else:
        response = redirect(wanted, code=303)
    set_cookie(response, token)
    return response


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End this session, for every copy of its cookie."""
    parts().sessions.end(request.cookies.get(COOKIE, ""))
    services().access.record("sign out", source())
    response = redirect(url_for("sessions.show"), code=303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


def _form(wanted: str, kept: list[tuple[str, str]], problem: Problem | None) -> str:
    return render_template("sessions/sign_in.html", next=wanted, kept=kept, problem=problem, ended=bool(kept))


def _resumption(wanted: str, fields: list[tuple[str, str]], csrf: str) -> str:
    """What was cut off; a form that says where it can be filled in further is offered there, too."""
    form_address = dict(fields).get(FORM_ADDRESS, "")
    back = own_path(form_address) if form_address else ""
    return render_template("sessions/resume.html", action=wanted, fields=fields, csrf=csrf, back=back)


def _refusal_status(error: ApplianceError) -> int:
    """401 for a wrong password: it is no bad request."""
    status = status_of(error)
    return 401 if status == 400 else status  # noqa: PLR2004 - HTTP's own numbers


def _kept() -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.form.items(multi=True) if name.startswith(KEPT_PREFIX)]


def _without_prefix(kept: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name.removeprefix(KEPT_PREFIX), value) for name, value in kept]
