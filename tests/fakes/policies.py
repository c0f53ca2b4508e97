"""Policies and inventories for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from appliance.model.policies import Policy, PolicyId, Retention, Schedule, Selection, Tag
from appliance.model.recovery_points import Consistency
from appliance.scheduling import TaggedMachine
from tests.fakes.vcenters import machine

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

TEXTS = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
POLICIES = st.builds(
    Policy,
    id=TEXTS.map(PolicyId),
    name=TEXTS,
    vcenter=TEXTS,
    selection=st.builds(
        Selection,
        names=st.lists(TEXTS, min_size=1).map(tuple),
        folders=st.lists(TEXTS.map("/{}".format)).map(tuple),
        tags=st.lists(st.builds(Tag, TEXTS, TEXTS)).map(tuple),
        exclude_names=st.lists(TEXTS).map(tuple),
    ),
    schedule=st.builds(
        Schedule,
        st.sampled_from(["30 2 * * mon-fri", "0 */4 * * *"]),
        st.sampled_from(["UTC", "Asia/Kolkata"]),
    ),
    retention=st.builds(Retention, st.integers(1, 99), *[st.integers(0, 99)] * 4),
    active_since=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    consistency=st.sampled_from(Consistency),
    accepted_disks=st.lists(TEXTS).map(tuple),
    enabled=st.booleans(),
)
"""Policies of every kind, for property tests."""


def policy(
    name: str = "nightly",
    cron: str = "30 2 * * *",
    zone: str = "UTC",
    *,
    selection: Selection | None = None,
    retention: Retention | None = None,
    active_since: datetime = LONG_AGO,
    vcenter: str = "main",
    accepted_disks: tuple[str, ...] = (),
    consistency: Consistency = Consistency.CRASH,
    enabled: bool = True,
) -> Policy:
    """A policy whose id is `p-` and its name, for every machine unless told otherwise."""
    return Policy(
        id=PolicyId(f"p-{name}"),
        name=name,
        vcenter=vcenter,
        selection=selection or Selection(names=("*",)),
        schedule=Schedule(cron, zone),
        retention=retention or Retention(keep_last=7),
        active_since=active_since,
        accepted_disks=accepted_disks,
        consistency=consistency,
        enabled=enabled,
    )


def machines(*names: str) -> list[TaggedMachine]:
    """Machines without tags, numbered from 1."""
    return [TaggedMachine(machine(name, number)) for number, name in enumerate(names, start=1)]


def tagged(name: str, *tags: str, number: int = 1) -> TaggedMachine:
    """A machine with tags, each `category/name`."""
    return TaggedMachine(machine(name, number), frozenset(map(Tag.parse, tags)))
