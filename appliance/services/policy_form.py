"""A policy as a form holds it: text in fields, and which field cannot be meant. Pure.

What a word may be is said once, in `appliance.model.policies`; here it is asked field by field, so that a
page can show each complaint where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from zoneinfo import available_timezones

from appliance.model.policies import Policy, PolicyId, Retention, Schedule, Selection, Tag
from appliance.model.recovery_points import Consistency
from appliance.services.policy_errors import PolicyRefusedError
from appliance.services.policy_words import NewPolicy, RetentionWords, SelectionWords
from appliance.services.schedule_choices import Rhythm, ScheduleChoice, choice_of, cron_of

_ANY_CRON = "0 0 * * *"
_KEPT = ("keep_last", "daily", "weekly", "monthly", "yearly")
_LONGEST_NUMBER = 6
"""Digits: more points than anybody keeps, and far from what a number in a database may be."""


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """The fields as they were typed; of names, folders, tags and disks one a line."""

    name: str = ""
    vcenter: str = ""
    names: str = ""
    folders: str = ""
    tags: str = ""
    exclude_names: str = ""
    rhythm: str = Rhythm.DAILY
    at: str = "02:00"
    weekday: str = "sun"
    minute: str = "0"
    cron: str = ""
    zone: str = "UTC"
    keep_last: str = "7"
    daily: str = "0"
    weekly: str = "0"
    monthly: str = "0"
    yearly: str = "0"
    consistency: str = Consistency.CRASH
    accepted_disks: str = ""
    enabled: str = "yes"

    @classmethod
    def of(cls, typed: dict[str, str]) -> PolicyForm:
        """The form with these fields; one that is not there is empty, as browsers send it."""
        return cls(**{field.name: typed.get(field.name, "") for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """Why one field cannot be meant."""

    field: str
    message: str
    code: str = PolicyRefusedError.code


@dataclass(frozen=True, slots=True)
class ReadForm:
    """What a form says; `words` is None where something in it cannot be meant."""

    words: NewPolicy | None
    problems: tuple[FieldProblem, ...]


def form_of(words: NewPolicy) -> PolicyForm:
    """The form that says this."""
    choice, retention = choice_of(words.cron), words.retention
    return PolicyForm(
        name=words.name,
        vcenter=words.vcenter,
        names="\n".join(words.names),
        folders="\n".join(words.folders),
        tags="\n".join(words.tags),
        exclude_names="\n".join(words.exclude_names),
        rhythm=choice.rhythm,
        at=choice.at,
        weekday=choice.weekday,
        minute=choice.minute,
        cron=choice.cron,
        zone=words.zone,
        keep_last=str(retention.last),
        daily=str(retention.daily or 0),
        weekly=str(retention.weekly or 0),
        monthly=str(retention.monthly or 0),
        yearly=str(retention.yearly or 0),
        consistency=words.consistency,
        accepted_disks="\n".join(words.accepted_disks),
        enabled="yes" if words.enabled else "",
    )


def read_form(form: PolicyForm) -> ReadForm:
    """What the form says, or everything that is wrong with it."""
    problems = tuple(_problems(form))
    return ReadForm(None if problems else _words(form), problems)


@lru_cache(maxsize=1)
def known_zones() -> tuple[str, ...]:
    """The time zones that a schedule may name, by name."""
    return tuple(sorted(available_timezones()))


def selection_in(form: PolicyForm) -> SelectionWords:
    """Which machines the form means, as it was typed."""
    return SelectionWords(
        _lines(form.names), _lines(form.folders), _lines(form.tags), _lines(form.exclude_names)
    )


def schedule_in(form: PolicyForm) -> Schedule:
    """The schedule that the form means.

    Raises:
        ValueError: it means none.
    """
    return Schedule(cron_of(_choice(form)), form.zone.strip())


def _words(form: PolicyForm) -> NewPolicy:
    return NewPolicy(
        name=form.name.strip(),
        vcenter=form.vcenter,
        cron=cron_of(_choice(form)),
        zone=form.zone.strip(),
        names=_lines(form.names),
        folders=_lines(form.folders),
        tags=_lines(form.tags),
        exclude_names=_lines(form.exclude_names),
        retention=RetentionWords(*(_number(getattr(form, name)) for name in _KEPT)),
        consistency=Consistency(form.consistency),
        accepted_disks=_lines(form.accepted_disks),
        enabled=bool(form.enabled),
    )


def _problems(form: PolicyForm) -> Iterator[FieldProblem]:
    if form.name.strip():
        yield from _complaint("name", lambda: _named(form.name.strip()))
    else:
        yield FieldProblem("name", "the policy has no name")
    if not form.vcenter:
        yield FieldProblem("vcenter", "no vCenter is chosen")
    yield from _selection_problems(form)
    yield from _schedule_problems(form)
    yield from _complaint("keep_last", lambda: Retention(keep_last=_number(form.keep_last)))
    for period in _KEPT[1:]:
        yield from _complaint(period, partial(_number, getattr(form, period)))
    yield from _complaint("consistency", lambda: Consistency(form.consistency))


def _selection_problems(form: PolicyForm) -> Iterator[FieldProblem]:
    for folder in _lines(form.folders):
        yield from _complaint("folders", partial(Selection, folders=(folder,)))
    for tag in _lines(form.tags):
        yield from _complaint("tags", partial(Tag.parse, tag))
    if not _lines(form.folders) and not _lines(form.tags):
        yield from _complaint("names", lambda: Selection(names=_lines(form.names)))


def _schedule_problems(form: PolicyForm) -> Iterator[FieldProblem]:
    if form.rhythm not in set(Rhythm):
        yield FieldProblem("rhythm", f"there is no rhythm {form.rhythm!r}")
    elif form.rhythm in (Rhythm.HOURLY, Rhythm.CRON):
        field = "minute" if form.rhythm == Rhythm.HOURLY else "cron"
        yield from _complaint(field, lambda: Schedule(cron_of(_choice(form))))
    else:
        yield from _complaint("at", lambda: cron_of(ScheduleChoice(at=form.at)))
        day = replace(_choice(form), at=ScheduleChoice().at)
        yield from _complaint("weekday", lambda: cron_of(day))
    yield from _complaint("zone", lambda: Schedule(_ANY_CRON, form.zone.strip()))


def _complaint(field: str, check: Callable[[], object]) -> Iterator[FieldProblem]:
    try:
        check()
    except ValueError as error:
        yield FieldProblem(field, str(error))


def _choice(form: PolicyForm) -> ScheduleChoice:
    return ScheduleChoice(Rhythm(form.rhythm), form.at, form.weekday, form.minute, form.cron.strip())


def _named(name: str) -> Policy:
    """A policy of this name: what it may be is the policy's own rule."""
    anything = Selection(names=("*",))
    return Policy(
        PolicyId(""), name, "", anything, Schedule(_ANY_CRON), Retention(), datetime.min.replace(tzinfo=UTC)
    )


def _number(text: str) -> int:
    """A number of points; an empty field is none.

    Raises:
        ValueError: it is not a number of points.
    """
    digits = text.strip() or "0"
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _LONGEST_NUMBER):
        raise ValueError(f"{text!r} is not a number of points: write digits, 0 for none")
    return int(digits)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
