"""Policies: which machines are backed up when, and which of their points are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NewType
from zoneinfo import ZoneInfo

from appliance.model.cron import CronExpression
from appliance.model.recovery_points import Consistency

PolicyId = NewType("PolicyId", str)
"""Random: a policy that is made anew under an old name is another policy."""

DueKey = NewType("DueKey", str)
"""`<policy id>@2026-10-25T02:30`: one due time of one policy, in its own local time."""


_ESCAPED = re.compile("%(2f|25)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """A vCenter tag; names are compared exactly, upper and lower case too.

    Both names may hold any character. In text, the first slash ends the category: a slash within the
    category is written %2f and a percent sign there %25, as vSphere does in inventory paths.
    """

    category: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Tag:
        """The tag that `category/name` names.

        Raises:
            ValueError: the text has not that form.
        """
        category, _, name = text.partition("/")
        if not category or not name:
            raise ValueError(f"{text!r} is not a tag: write category/name")
        return cls(_ESCAPED.sub(lambda found: "/" if found[1] in "2f2F" else "%", category), name)

    def __str__(self) -> str:
        return f"{self.category.replace('%', '%25').replace('/', '%2f')}/{self.name}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Machines that a name pattern, a folder or a tag brings in, less those that `exclude_names` names.

    Patterns are those of a shell (`web-*`), upper and lower case alike. A folder is an inventory path,
    `/datacenter/vm/folder`, and brings in everything below it.
    """

    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    exclude_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (self.names or self.folders or self.tags):
            raise ValueError("a selection needs a name pattern, a folder or a tag ('*' is every machine)")
        if not all((*self.names, *self.exclude_names)):
            raise ValueError("an empty name pattern matches nothing")
        for folder in self.folders:
            if not folder.startswith("/") or not folder.strip("/"):
                raise ValueError(f"{folder!r} is not an inventory path: write /datacenter/vm/folder")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a policy is due: a cron expression, read in a time zone of the IANA data base."""

    cron: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        CronExpression.parse(self.cron)
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:  # what ZoneInfo raises depends on the wrong text
            raise ValueError(f"{self.zone!r} is not a time zone: write UTC or, say, Europe/Paris") from error


@dataclass(frozen=True, slots=True)
class Retention:
    """How many points stay: the newest ones, and the newest one of so many days, weeks, months and years.

    Days without a point do not count: when backups stop, no point goes. `keep_last` is at least 1.
    """

    keep_last: int = 1
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0

    def __post_init__(self) -> None:
        if self.keep_last < 1:
            raise ValueError("the newest point always stays: keep at least the last 1")
        if min(self.daily, self.weekly, self.monthly, self.yearly) < 0:
            raise ValueError("a number of points to keep cannot be negative")


@dataclass(frozen=True, slots=True)
class Policy:
    """What an admin edits: protects machines of one vCenter.

    `active_since` is when it was made or last enabled: due times up to then were never missed.
    `accepted_disks` are labels of disks whose absence is no gap.
    """

    id: PolicyId
    name: str
    vcenter: str
    selection: Selection
    schedule: Schedule
    retention: Retention
    active_since: datetime
    consistency: Consistency = Consistency.CRASH
    accepted_disks: tuple[str, ...] = ()
    enabled: bool = True

    def __post_init__(self) -> None:
        if not self.name or self.name != self.name.strip() or not self.name.isprintable():
            raise ValueError(f"{self.name!r} cannot be a policy's name")


@dataclass(frozen=True, slots=True)
class DueTime:
    """A moment at which a policy asks for backups: `local` as its schedule says it, `at` in UTC."""

    policy: PolicyId
    local: datetime
    at: datetime

    @property
    def key(self) -> DueKey:
        """Names this due time once and for all, whatever clocks do: 02:30 comes once a day, in autumn too."""
        return DueKey(f"{self.policy}@{self.local:%Y-%m-%dT%H:%M}")
