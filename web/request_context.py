"""What every view reaches: the services, and who is signed in. The one place that asks Flask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app, g, request

from appliance.services import ConsoleServices
from web.session_table import ConsoleSession, SessionTable

EXTENSION = "keepline"


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What belongs to one application."""

    services: ConsoleServices
    sessions: SessionTable


def parts() -> ConsoleParts:
    """The parts of the application that answers this request."""
    return cast("ConsoleParts", current_app.extensions[EXTENSION])


def services() -> ConsoleServices:
    """The services of the application that answers this request."""
    return parts().services


def signed_in() -> ConsoleSession | None:
    """Who sends this request, or None where nobody is signed in."""
    return cast("ConsoleSession | None", g.get("session"))


def source() -> str:
    """The address this request came from."""
    return request.remote_addr or "unknown"


def audit(action: str, subject: str = "") -> None:
    """Write down what this request has changed."""
    services().access.record(action, source(), subject)


def notify(text: str, tone: str = "good") -> None:
    """Say something on the next page that this session opens; `tone` is good, note, warn or bad."""
    session = signed_in()
    if session is not None:
        session.notices.append((tone, text))


def is_live_request() -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("HX-Request") == "true"
