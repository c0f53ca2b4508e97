"""Nobody passes without a session, and no form counts that this console has not given to that session."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from appliance.services import ForgedFormError
from web.request_context import is_live_request, parts, services, signed_in

COOKIE = "keepline_session"
OPEN_TO_ALL = frozenset({"static", "sessions.show", "sessions.sign_in"})
KEPT_PREFIX = "kept."
CSRF_FIELD = "csrf"
FORM_ADDRESS = "form_address"
"""The field in which a form says where it is shown again with what it holds."""


def install(app: Flask) -> None:
    """Put the gate before every view of `app`."""
    app.before_request(_check)
    app.context_processor(_given_to_templates)


def set_cookie(response: BaseResponse, token: str) -> None:
    """Let the browser keep a session until it is closed; scripts never see it."""
    # Secure over TLS only: browsers differ in whether they keep such a cookie of a loopback address.
    response.set_cookie(COOKIE, token, httponly=True, samesite="Strict", secure=request.is_secure, path="/")


def own_path(text: str) -> str:
    """`text` if it is a path of this console, else the dashboard: no sign-in leads elsewhere."""
    parsed = urlsplit(text)
    is_path = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_path and not parsed.scheme and not parsed.netloc else url_for("dashboard.show")


def holds_password() -> bool:
    """Whether a form cannot be sent again by itself: a part of it is never kept."""
    return any("password" in name for name in request.form)


def kept_fields() -> list[tuple[str, str]]:
    """What a form held whose session had ended; passwords are not kept."""
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name != CSRF_FIELD and "password" not in name
    ]


def _check() -> BaseResponse | None:
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _refuse_foreign_origin()
    if request.endpoint in OPEN_TO_ALL:
        return None
    token = request.cookies.get(COOKIE, "")
    session = parts().sessions.find(
        token, services().access.stamp(), services().clock.now(), by_hand=not is_live_request()
    )
    if session is None:
        return _sent_to_sign_in()
    g.session = session
    if request.method == "POST":
        _refuse_forged_form(session.csrf_token)
    return None


def _refuse_foreign_origin() -> None:
    """Browsers say where a form comes from; another site's form must not even reach the sign-in."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin", "none") or origin not in (None, request.host_url.rstrip("/")):
        raise ForgedFormError("the form was sent from another site")


def _refuse_forged_form(token: str) -> None:
    given = request.form.get(CSRF_FIELD, "")
    if not secrets.compare_digest(given.encode(), token.encode()):
        raise ForgedFormError("the form does not belong to this session")


def _sent_to_sign_in() -> BaseResponse:
    wanted = request.full_path.rstrip("?")
    if is_live_request() and request.method == "POST":
        # A form asks what it would mean: leaving the page would lose what was typed, sending it will keep it.
        return make_response(render_template("sessions/ended.html"), 401)
    if is_live_request():
        shown = urlsplit(request.headers.get("HX-Current-URL", ""))
        wanted = f"{shown.path}?{shown.query}" if shown.query else shown.path
        return Response(status=401, headers={"HX-Redirect": _sign_in_path(wanted)})
    if request.method == "POST":
        page = render_template(
            "sessions/sign_in.html", next=request.path, kept=list(_kept()), problem=None, ended=True
        )
        return make_response(page, 401)
    return redirect(_sign_in_path(wanted), code=303)


def _sign_in_path(wanted: str) -> str:
    return f"{url_for('sessions.show')}?next={quote(wanted or '/', safe='/')}"


def _kept() -> Iterator[tuple[str, str]]:
    """Only a form that says it is ours is kept: a foreign one must not be sent on after a sign-in."""
    if "Origin" in request.headers or request.headers.get("Sec-Fetch-Site") == "same-origin":
        for name, value in kept_fields():
            yield f"{KEPT_PREFIX}{name}", value


def _given_to_templates() -> dict[str, object]:
    session = signed_in()
    return {
        "session": session,
        "csrf_field": _csrf_field,
        "take_notices": _take_notices,
        "engine_runs": services().engine.is_running if session else None,
    }


def _csrf_field() -> Markup:
    session = signed_in()
    token = session.csrf_token if session else ""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token)


def _take_notices() -> list[tuple[str, str]]:
    session = signed_in()
    if session is None:
        return []
    taken, session.notices = session.notices, []
    return taken
