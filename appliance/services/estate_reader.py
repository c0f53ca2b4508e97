"""Keeps what lists and dashboard show: no page ever waits for a vCenter or reads all manifests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.policies import Policy, Tag
from appliance.model.runs import ACTIVE_STATES, Run, RunKind
from appliance.model.target_places import TargetPlaces
from appliance.services.estate import (
    Estate,
    KnownMachine,
    SourceFailure,
    Sources,
    VcenterReading,
    estate_machines,
)
from appliance.services.point_directory import NewestPoint, PointDirectory
from appliance.services.policy_covers import PolicyCovers
from appliance.services.runs import RunService
from appliance.services.vcenters import VcenterService
from appliance.state import RunFilter

INVENTORY_AGE = timedelta(minutes=5)
"""Each reading logs in once, which vCenter writes into its event log: not too often."""
RETRY_AGE = timedelta(minutes=1)
POINTS_AGE = timedelta(minutes=1)
REMEMBERED_BACKUPS = 1000
LOOK_SECONDS = 2.0

_log = logging.getLogger(__name__)


class EstateReader:
    """Reads vCenters, points and runs into one value; `current` never blocks. May be used from any thread."""

    def __init__(
        self,
        vcenters: VcenterService,
        covers: PolicyCovers,
        points: PointDirectory,
        runs: RunService,
        clock: Clock,
    ) -> None:
        self._vcenters = vcenters
        self._covers = covers
        self._points = points
        self._runs = runs
        self._clock = clock
        self._reading = threading.Lock()
        self._estate = Estate()
        self._inventories: dict[str, Sequence[KnownMachine]] = {}
        self._places: dict[str, TargetPlaces] = {}
        self._newest: dict[str, NewestPoint] = {}
        self._asked_tags: frozenset[Tag] = frozenset()
        self._seen: tuple[frozenset[str], list[Policy]] = (frozenset(), [])

    def current(self) -> Estate:
        """The last reading."""
        return self._estate

    def refresh(self) -> None:
        """Read everything anew; what cannot be read keeps its last state and says why."""
        with self._reading:
            names = [known.name for known in self._vcenters.list()]
            self._asked_tags = _tags_of(self._covers.enabled())
            self._inventories = {name: found for name, found in self._inventories.items() if name in names}
            readings = tuple(self._read_vcenter(name) for name in names)
            self._places = {name: found for name, found in self._places.items() if name in names}
            self._estate = replace(self._estate, vcenters=readings, places=self._places)
            self._read_points()

    def refresh_where_due(self) -> None:
        """Read what is old, what was added, and points after a run has begun or ended."""
        now = self._clock.now()
        if self._is_inventory_due(now):
            self.refresh()
            return
        read_at = self._estate.points_read_at
        if read_at is None or now - read_at > POINTS_AGE or self._look() != self._seen:
            with self._reading:
                self._read_points()

    def _is_inventory_due(self, now: datetime) -> bool:
        known = {reading.name: reading for reading in self._estate.vcenters}
        names = {vcenter.name for vcenter in self._vcenters.list()}
        if names != known.keys() or not _tags_of(self._covers.enabled()) <= self._asked_tags:
            return True
        return any(_is_due(reading, now) for reading in known.values())

    def _read_vcenter(self, name: str) -> VcenterReading:
        now = self._clock.now()
        known = next((reading for reading in self._estate.vcenters if reading.name == name), None)
        try:
            with self._vcenters.session(name) as session:
                inventory = self._covers.read_in(session, name)
                self._places[name] = session.places()
        except ApplianceError as error:
            return _failed(known or VcenterReading(name, now, None), error, now)
        if inventory.tag_failure is None or name not in self._inventories:
            self._inventories[name] = [KnownMachine.of(each) for each in inventory.machines]
        reading = VcenterReading(name, now, now, len(inventory.machines))
        if inventory.tag_failure is None:
            return reading
        return _failed(replace(reading, failure=known.failure if known else None), inventory.tag_failure, now)

    def _read_points(self) -> None:
        now, failure = self._clock.now(), None
        self._seen = self._look()
        try:
            self._newest = self._points.newest()
        except ApplianceError as error:
            before = self._estate.points_failure
            failure = SourceFailure.of(error, before.since if before else now)
        covers = self._covers.by_machine(self._inventories, now)
        sources = Sources(self._inventories, self._newest, self._last_backups(), covers)
        machines = estate_machines(sources)
        self._estate = replace(self._estate, machines=machines, points_failure=failure, points_read_at=now)

    def _last_backups(self) -> dict[str, Run]:
        """The newest backup of each machine that has one among the last thousand."""
        wanted = RunFilter(kinds=frozenset({RunKind.BACKUP}), limit=REMEMBERED_BACKUPS)
        return {run.subject: run for run in reversed(self._runs.page(wanted))}

    def _look(self) -> tuple[frozenset[str], list[Policy]]:
        """What makes the points worth reading before their time: runs that began or ended, other policies."""
        active = self._runs.page(RunFilter(states=ACTIVE_STATES, limit=REMEMBERED_BACKUPS))
        return frozenset(f"{run.id} {run.state}" for run in active), self._covers.enabled()


def _tags_of(policies: list[Policy]) -> frozenset[Tag]:
    return frozenset(tag for policy in policies for tag in policy.selection.tags)


def _failed(reading: VcenterReading, error: ApplianceError, now: datetime) -> VcenterReading:
    since = reading.failure.since if reading.failure else now
    return replace(reading, tried_at=now, failure=SourceFailure.of(error, since))


def _is_due(reading: VcenterReading, now: datetime) -> bool:
    return now - reading.tried_at > (INVENTORY_AGE if reading.failure is None else RETRY_AGE)


@contextmanager
def kept_fresh(reader: EstateReader) -> Iterator[None]:
    """A thread that looks every two seconds what is due, for as long as the context is open."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep_fresh, args=(reader, stop), name="estate", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _keep_fresh(reader: EstateReader, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            reader.refresh_where_due()
        except ApplianceError:  # the state database is busy or away: the next look tries again
            _log.exception("estate was not read")
        stop.wait(LOOK_SECONDS)
