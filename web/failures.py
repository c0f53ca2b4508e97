"""Errors as pages: what happened, its code, what to do. Never a traceback, never a blank page."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from http import HTTPStatus

from flask import Flask, render_template, request
from werkzeug.exceptions import HTTPException

from appliance.errors import (
    ApplianceError,
    ApplianceStateError,
    InputError,
    NotificationError,
    RepositoryError,
    VcenterError,
)
from appliance.services import (
    NOT_FOUND,
    ForgedFormError,
    InventoryBusyError,
    PlanStaleError,
    PolicyStaleError,
    TooManySignInsError,
)
from web.gate import holds_password, kept_fields
from web.request_context import is_live_request, signed_in

_log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[ApplianceError], HTTPStatus], ...] = (
    (ForgedFormError, HTTPStatus.FORBIDDEN),
    (TooManySignInsError, HTTPStatus.TOO_MANY_REQUESTS),
    (PlanStaleError, HTTPStatus.CONFLICT),
    (PolicyStaleError, HTTPStatus.CONFLICT),
    (InventoryBusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (InputError, HTTPStatus.BAD_REQUEST),
    (VcenterError, HTTPStatus.BAD_GATEWAY),
    (RepositoryError, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotificationError, HTTPStatus.BAD_GATEWAY),
    (ApplianceStateError, HTTPStatus.SERVICE_UNAVAILABLE),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a page tells of an error."""

    title: str
    message: str
    code: str
    remedy: str

    @classmethod
    def of(cls, error: ApplianceError, title: str = "That did not work") -> Problem:
        """The problem that `error` tells of."""
        message = str(error)
        return cls(title, message[:1].upper() + message[1:], error.code, error.remedy)


def install(app: Flask) -> None:
    """Answer every error of `app` with a page."""
    app.register_error_handler(ApplianceError, _appliance_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _defect)


def status_of(error: ApplianceError) -> HTTPStatus:
    """The HTTP status that says the same."""
    if isinstance(error, NOT_FOUND):
        return HTTPStatus.NOT_FOUND
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return status
    return HTTPStatus.INTERNAL_SERVER_ERROR


def _appliance_error(error: ApplianceError) -> tuple[str, int]:
    status = status_of(error)
    title = "There is no such thing" if status is HTTPStatus.NOT_FOUND else "That did not work"
    return _page(Problem.of(error, title), status, _kept_form(status))


def _kept_form(status: HTTPStatus) -> list[tuple[str, str]] | None:
    """What the form held that failed for no fault of its own: it can be sent again. None for all others."""
    may_succeed_later = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if request.method != "POST" or not may_succeed_later or signed_in() is None or holds_password():
        return None
    return kept_fields()


def _http_error(error: HTTPException) -> tuple[str, int]:
    status = HTTPStatus(error.code or 500)
    remedies = {
        HTTPStatus.NOT_FOUND: "Check the address, or go to the dashboard.",
        HTTPStatus.METHOD_NOT_ALLOWED: "Go back and use the button on the page.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Choose less at a time.",
    }
    problem = Problem(
        status.phrase,
        error.description or "",
        f"HTTP {status}",
        remedies.get(status, "Go back and try again."),
    )
    return _page(problem, status)


def _defect(error: Exception) -> tuple[str, int]:
    """The console's last handler: whatever nobody expected is logged under a number and said plainly."""
    number = secrets.token_hex(4)
    _log.error("request failed, number %s: %s %s", number, request.method, request.path, exc_info=error)
    message = f"The console made a mistake; the log has it under {number}."
    return _page(
        Problem("A defect in Keepline", message, ApplianceError.code, ApplianceError.remedy),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def _page(problem: Problem, status: HTTPStatus, kept: list[tuple[str, str]] | None = None) -> tuple[str, int]:
    if is_live_request():  # htmx leaves the page as it is on an error; the next poll may succeed
        return f"{problem.message} ({problem.code})", status
    return render_template("failure.html", problem=problem, kept=kept), status
