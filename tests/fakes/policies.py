"""Policies and inventories for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.model.policies import Policy, PolicyId, Retention, Schedule, Selection, Tag
from appliance.scheduling import TaggedMachine
from tests.fakes.vcenters import machine

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


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
        enabled=enabled,
    )


def machines(*names: str) -> list[TaggedMachine]:
    """Machines without tags, numbered from 1."""
    return [TaggedMachine(machine(name, number)) for number, name in enumerate(names, start=1)]


def tagged(name: str, *tags: str, number: int = 1) -> TaggedMachine:
    """A machine with tags, each `category/name`."""
    return TaggedMachine(machine(name, number), frozenset(map(Tag.parse, tags)))
