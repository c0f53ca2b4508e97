"""Inventories that were read a moment ago: a page that is looked at twice logs in to vCenter once."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.policies import Selection, Tag
from appliance.services.console_errors import InventoryBusyError
from appliance.services.policy_inventory import Inventory, PolicyInventory
from appliance.services.vcenters import VcenterService

INVENTORY_AGE = timedelta(minutes=1)
FAILURE_AGE = timedelta(seconds=30)
PATIENCE_SECONDS = 5.0
"""How long a page waits for another one's reading: a vCenter that hangs must not take every thread."""
REMEMBERED = 4
"""Readings: one of ten thousand machines is some ten megabytes."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked of a vCenter; machine names are not among it: they are matched here."""

    vcenter: str
    tags: frozenset[Tag]
    folders: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Reading:
    """How an inventory was read, well or not."""

    at: datetime
    inventory: Inventory | None
    failure: ApplianceError | None = field(default=None)

    def is_fresh(self, now: datetime) -> bool:
        """Whether nobody needs to ask again."""
        return now - self.at < (FAILURE_AGE if self.inventory is None else INVENTORY_AGE)


class RememberedInventory(PolicyInventory):
    """A `PolicyInventory` for pages: the same answers, a little old. May be used from any thread."""

    def __init__(
        self,
        vcenters: VcenterService,
        own_bios_uuid: str,
        clock: Clock,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        super().__init__(vcenters, own_bios_uuid)
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._readings: dict[_Wish, _Reading] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, vcenter: str, selections: Sequence[Selection]) -> Inventory:
        """See `PolicyInventory`; an answer that was a failure is given again for a while.

        Raises:
            InventoryBusyError: another page is still reading it.
        """
        wish = _Wish(
            vcenter,
            frozenset(tag for selection in selections for tag in selection.tags),
            frozenset(folder for selection in selections for folder in selection.folders),
        )
        known = self._readings.get(wish)
        if known is None or not known.is_fresh(self._clock.now()):
            known = self._read_alone(wish, selections)
        if known.inventory is None:
            raise known.failure or AssertionError("an inventory that was not read for no reason")
        return known.inventory

    def _read_alone(self, wish: _Wish, selections: Sequence[Selection]) -> _Reading:
        lock = self._locks[wish.vcenter]
        if not lock.acquire(timeout=self._patience_seconds):
            raise InventoryBusyError(f"the inventory of {wish.vcenter} is still being read")
        try:
            known = self._readings.get(wish)
            if known is None or not known.is_fresh(self._clock.now()):
                known = self._asked(wish.vcenter, selections)
                self._remember(wish, known)
            return known
        finally:
            lock.release()

    def _asked(self, vcenter: str, selections: Sequence[Selection]) -> _Reading:
        try:
            inventory = super().read(vcenter, selections)
        except ApplianceError as error:
            return _Reading(self._clock.now(), None, error)
        return _Reading(self._clock.now(), inventory)

    def _remember(self, wish: _Wish, reading: _Reading) -> None:
        self._readings.pop(wish, None)
        while len(self._readings) >= REMEMBERED:
            del self._readings[next(iter(self._readings))]
        self._readings[wish] = reading
