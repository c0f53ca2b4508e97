"""Policies as an admin words them, and back; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from appliance.model.policies import Policy, PolicyId, Retention, Schedule, Selection, Tag
from appliance.model.recovery_points import Consistency

POINTS_UNLESS_TOLD = 7
"""How many points a policy keeps whose retention nobody has worded."""


@dataclass(frozen=True, slots=True)
class RetentionWords:
    """How many points to keep, as far as it was said."""

    last: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None


@dataclass(frozen=True, slots=True)
class SelectionWords:
    """Which machines are meant, as it was typed; a tag is worded as `Tag.parse` reads it."""

    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    exclude_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """What an admin says about a policy, as it was typed."""

    name: str
    vcenter: str
    cron: str
    zone: str = "UTC"
    names: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    exclude_names: tuple[str, ...] = ()
    retention: RetentionWords = field(default_factory=RetentionWords)
    accepted_disks: tuple[str, ...] = ()
    enabled: bool = True
    tags: tuple[str, ...] = ()
    consistency: str = Consistency.CRASH

    @property
    def selection(self) -> SelectionWords:
        """Its words on machines."""
        return SelectionWords(self.names, self.folders, self.tags, self.exclude_names)


def policy_of(new: NewPolicy, policy_id: PolicyId, active_since: datetime) -> Policy:
    """The policy that is meant.

    Raises:
        ValueError: one of its words cannot be meant; the message says which.
    """
    return Policy(
        id=policy_id,
        name=new.name,
        vcenter=new.vcenter,
        selection=selection_of(new.selection),
        schedule=Schedule(new.cron, new.zone),
        retention=_retention_of(new.retention),
        active_since=active_since,
        consistency=_consistency_of(new.consistency),
        accepted_disks=new.accepted_disks,
        enabled=new.enabled,
    )


def selection_of(words: SelectionWords) -> Selection:
    """The selection that is meant.

    Raises:
        ValueError: one of its words cannot be meant; the message says which.
    """
    tags = tuple(map(Tag.parse, words.tags))
    return Selection(words.names, words.folders, tags, exclude_names=words.exclude_names)


def words_of(policy: Policy) -> NewPolicy:
    """The words that mean this very policy: what a form is filled with, and a change begins from."""
    selection, retention = policy.selection, policy.retention
    return NewPolicy(
        name=policy.name,
        vcenter=policy.vcenter,
        cron=policy.schedule.cron,
        zone=policy.schedule.zone,
        names=selection.names,
        folders=selection.folders,
        exclude_names=selection.exclude_names,
        retention=RetentionWords(
            retention.keep_last, retention.daily, retention.weekly, retention.monthly, retention.yearly
        ),
        accepted_disks=policy.accepted_disks,
        enabled=policy.enabled,
        tags=tuple(map(str, selection.tags)),
        consistency=policy.consistency,
    )


def _retention_of(words: RetentionWords) -> Retention:
    """With any word of it said, `last` is 1 unless it is said too; with none, a plain number of points."""
    if words == RetentionWords():
        return Retention(keep_last=POINTS_UNLESS_TOLD)
    return Retention(
        keep_last=1 if words.last is None else words.last,
        daily=words.daily or 0,
        weekly=words.weekly or 0,
        monthly=words.monthly or 0,
        yearly=words.yearly or 0,
    )


def _consistency_of(word: str) -> Consistency:
    try:
        return Consistency(word)
    except ValueError as error:
        known = ", ".join(Consistency)
        raise ValueError(f"{word!r} is not a consistency: write one of {known}") from error
