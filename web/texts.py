"""Numbers and times for people, as filters of the templates. All times are UTC, and say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from markupsafe import Markup

from appliance.model import quantities
from appliance.model.change_tracking import ReadScope, ScopeReason
from appliance.services import (
    CONSISTENCY_TEXTS,
    retention_text,
    selection_text,
    software_version,
    when_text,
)
from web.request_context import services

SCOPES = {
    ReadScope.CHANGED: "What has changed",
    ReadScope.ALLOCATED: "What was ever written",
    ReadScope.EVERYTHING: "Everything",
}
SCOPE_REASONS = {
    ScopeReason.TRACKING_VALID: "change tracking names it, and nothing speaks against it",
    ScopeReason.FIRST_POINT: "this is the disk's first point here",
    ScopeReason.ALLOCATION_UNKNOWN: "vCenter does not say what was ever written",
    ScopeReason.TRACKING_UNAVAILABLE: "this machine has no change tracking",
    ScopeReason.TRACKING_NOT_ENABLED: "change tracking was not on at the last point",
    ScopeReason.EPOCH_CHANGED: "change tracking was reset since the last point",
    ScopeReason.SEQUENCE_WENT_BACK: "change tracking went back since the last point",
    ScopeReason.CAPACITY_CHANGED: "the disk has another size than at the last point",
    ScopeReason.BACKING_CHANGED: "the disk is another file than at the last point",
    ScopeReason.MACHINE_REVERTED: "the machine was reverted or restored since the last point",
    ScopeReason.EVENTS_INCOMPLETE: "vCenter's events do not reach back to the last point",
    ScopeReason.QUERY_FAILED: "vCenter did not answer which areas have changed",
    ScopeReason.REQUESTED: "it was asked for",
}
NOT_KNOWN = "\N{EN DASH}"


def install(app: Flask) -> None:
    """Give the templates of `app` these filters."""
    app.jinja_env.filters.update(
        size=size_text,
        duration=duration_text,
        moment=moment_element,
        age=age_text,
        counted=counted_text,
        capitalized=capitalized_text,
        selection=selection_text,
        schedule=when_text,
        retention=retention_text,
        scope=SCOPES.__getitem__,
        scope_reason=SCOPE_REASONS.__getitem__,
    )
    app.jinja_env.globals.update(
        software_version=software_version, now=_now, consistency_texts=CONSISTENCY_TEXTS
    )


def _now() -> datetime:
    return services().clock.now()


def size_text(size: float | None) -> str:
    """`8.4 GiB`; a dash for nothing known."""
    return NOT_KNOWN if size is None else quantities.size_text(size)


def duration_text(duration: timedelta | None) -> str:
    """`2 min 05 s`; a dash for nothing known."""
    return NOT_KNOWN if duration is None else quantities.duration_text(duration)


def age_text(moment: datetime | None) -> str:
    """How long ago, in one unit: `5 min ago`; `never` for no moment."""
    if moment is None:
        return "never"
    seconds = max((services().clock.now() - moment).total_seconds(), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def moment_element(moment: datetime | None, form: str = "%d %b %Y %H:%M:%S") -> Markup | str:
    """A `time` element in UTC; a dash for no moment."""
    if moment is None:
        return NOT_KNOWN
    in_utc = moment.astimezone(UTC)
    element = Markup('<time datetime="{}">{} UTC</time>')
    return element.format(in_utc.isoformat(timespec="seconds"), in_utc.strftime(form))


def capitalized_text(text: str) -> str:
    """The text as a sentence begins; names inside it stay as they are."""
    return text[:1].upper() + text[1:]


def counted_text(count: int, one: str, several: str = "") -> str:
    """`1 disk`, `2 disks`, `10,000 machines`."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
