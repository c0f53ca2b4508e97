"""Which engine of an installation has started last: docs/repository-format.md, "Engine starts"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.identifiers import InstallationId
from appliance.repository.errors import DamagedObjectError
from appliance.repository.layout import FORMAT, engine_start_key, engine_starts_prefix
from appliance.repository.sealed_documents import open_document, seal_document
from appliance.storage import ObjectMissingError, ObjectStore

DISPUTED = "disputed"
"""The token of a start that nobody made: it says that two appliances use one installation id."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The machine that an appliance runs on; the UUIDs are empty where they may not be read."""

    name: str
    bios_uuid: str
    machine_id: str

    def is_another_than(self, other: HostFacts) -> bool:
        """Whether something that both know differs; names may change."""
        pairs = ((self.bios_uuid, other.bios_uuid), (self.machine_id, other.machine_id))
        return any(mine and theirs and mine != theirs for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class EngineStart:
    """What `starts/<installation>/<number>.json` says; `token` is random, known to the appliance alone."""

    installation: InstallationId
    number: int
    token: str
    host: HostFacts
    started_at: datetime | None
    format: str = FORMAT

    @property
    def is_disputed(self) -> bool:
        """Whether nobody may act as this installation until a person has decided who it is."""
        return self.token == DISPUTED


def newest_engine_start(store: ObjectStore, installation: InstallationId) -> EngineStart | None:
    """The start with the highest number, or None before the first.

    One that cannot be read proves nobody to be the only one: it is disputed.
    """
    numbers = _numbers(store, installation)
    if not numbers:
        return None
    key = engine_start_key(installation, max(numbers))
    try:
        return open_document(EngineStart, store.read(key), key)
    except DamagedObjectError:
        return EngineStart(installation, max(numbers), DISPUTED, HostFacts("", "", ""), None)
    except ObjectMissingError:  # a later start has taken it away just now
        return newest_engine_start(store, installation)


def put_engine_start(store: ObjectStore, start: EngineStart) -> None:
    """Say that an engine has started; the starts before it are taken away.

    Raises:
        ObjectExistsError: another engine has taken that number.
    """
    store.put_new(engine_start_key(start.installation, start.number), seal_document(start))
    for number in _numbers(store, start.installation):
        if number < start.number:
            store.delete(engine_start_key(start.installation, number))


def _numbers(store: ObjectStore, installation: InstallationId) -> list[int]:
    names = (found.key.rpartition("/")[2] for found in store.list(engine_starts_prefix(installation)))
    return [int(name.removesuffix(".json")) for name in names]
