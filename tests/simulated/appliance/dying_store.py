"""An engine whose process is killed at the n-th call to its object store."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from appliance import assembly
from appliance.assembly import Appliance
from appliance.clock import SystemClock
from appliance.repository.repository import Repository
from appliance.security import SecretSealer, read_or_create_key
from appliance.settings import Settings
from appliance.state import open_database
from tests.fakes.object_stores import FaultyObjectStore


@dataclass(slots=True)
class DyingObjectStore(FaultyObjectStore):
    """Writes every call down before it is made; the process dies before one of them.

    Before the n-th one, from 1 (0 is never), or before the first whose name and key begin with `die_before`.
    """

    die_at: int = 0
    die_before: str = ""
    record: Path = field(default=Path(os.devnull))

    @contextmanager
    def _call(self, name: str, key: str) -> Iterator[None]:
        self.calls.append(name)
        with self.record.open("a") as record:
            record.write(f"{name} {key}\n")
        is_named = self.die_before and f"{name} {key}".startswith(self.die_before)
        if is_named or len(self.calls) == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        yield


def open_with_dying_store(
    die_at: int, die_before: str, record: Path
) -> Callable[[Settings], AbstractContextManager[Appliance]]:
    """What `open_appliance` is, but the engine's repository lies in a dying store."""

    @contextmanager
    def opened(settings: Settings) -> Iterator[Appliance]:
        sealer = SecretSealer(read_or_create_key(settings.state_folder))
        clock = SystemClock()
        with open_database(settings.state_folder) as database:
            stores = assembly._Stores.of(database)
            whole = assembly._appliance(settings, stores, sealer, clock)
            tools = assembly._tools(settings, stores, whole.vcenters, whole.repositories, clock)
            store = DyingObjectStore(
                tools.repository.store, die_at=die_at, die_before=die_before, record=record
            )
            dying = replace(tools, repository=Repository(store, tools.repository.identity))
            yield replace(whole, make_engine=lambda: assembly._engine(settings, stores, dying))

    return opened
