from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.clock import ManualClock
from appliance.model.identifiers import InstallationId
from appliance.repository.engine_starts import HostFacts, newest_engine_start
from appliance.repository.layout import engine_start_key, engine_starts_prefix
from appliance.run_context import DuplicateInstallationError, SoleEngine
from appliance.storage import RepositoryFullError
from tests.fakes.object_stores import MemoryObjectStore

INSTALLATION = InstallationId("installation-1")
HERE = HostFacts("appliance-1", "uuid-1", "machine-1")
ELSEWHERE = HostFacts("appliance-1", "uuid-2", "machine-1")


@dataclass(slots=True)
class Memory:
    """What one appliance remembers; a copy of the appliance begins with the same."""

    start: tuple[int, str] = (0, "")

    def last_start(self) -> tuple[int, str]:
        return self.start

    def note_start(self, number: int, token: str) -> None:
        self.start = (number, token)


@dataclass(slots=True)
class Appliances:
    """Appliances of one installation id over one repository."""

    store: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    random_hex: Callable[[int], str] = field(default_factory=lambda: _numbered(count(1)))

    def one(self, memory: Memory | None = None, host: HostFacts = HERE) -> SoleEngine:
        clock = ManualClock()
        return SoleEngine(self.store, INSTALLATION, memory or Memory(), host, clock, self.random_hex)


def _numbered(numbers: count[int]) -> Callable[[int], str]:
    return lambda size: f"{next(numbers):0{2 * size}x}"


def test_an_appliance_starts_as_often_as_it_likes_and_leaves_one_object() -> None:
    appliances = Appliances()
    engine = appliances.one()

    for _ in range(3):
        engine.begin()
        engine.confirm()

    newest = engine.newest()
    assert newest is not None
    assert (newest.number, newest.host, newest.is_disputed) == (3, HERE, False)
    assert len(list(appliances.store.list(engine_starts_prefix(INSTALLATION)))) == 1


def test_a_copy_that_has_started_stops_both() -> None:
    appliances, memory = Appliances(), Memory()
    original = appliances.one(memory)
    original.begin()
    copy = appliances.one(replace(memory))
    copy.begin()

    with pytest.raises(DuplicateInstallationError, match="on appliance-1, has started") as caught:
        original.confirm()
    assert (caught.value.code, caught.value.transient) == ("KL-6042", False)
    with pytest.raises(DuplicateInstallationError, match="two appliances"):
        copy.confirm()
    for engine in (original, copy):
        with pytest.raises(DuplicateInstallationError):
            engine.begin()


def test_a_copy_on_another_machine_never_starts() -> None:
    appliances, memory = Appliances(), Memory()
    appliances.one(memory).begin()

    with pytest.raises(DuplicateInstallationError):
        appliances.one(replace(memory), ELSEWHERE).begin()


def test_what_only_one_side_knows_of_its_machine_proves_nothing() -> None:
    appliances, memory = Appliances(), Memory()
    appliances.one(memory, HostFacts("appliance-1", "", "machine-1")).begin()

    engine = appliances.one(memory, HostFacts("renamed", "uuid-1", "machine-1"))
    engine.begin()

    newest = engine.newest()
    assert newest is not None
    assert (newest.number, newest.is_disputed) == (2, False)


def test_a_claim_ends_the_dispute_for_the_one_and_not_for_the_other() -> None:
    appliances, memory = Appliances(), Memory()
    original, copied = appliances.one(memory), replace(memory)
    original.begin()
    copy = appliances.one(copied, ELSEWHERE)
    with pytest.raises(DuplicateInstallationError):
        copy.begin()

    copy.claim()

    copy.confirm()
    copy.begin()
    with pytest.raises(DuplicateInstallationError):
        original.begin()


def test_a_start_that_cannot_be_read_is_disputed_until_somebody_claims() -> None:
    appliances = Appliances()
    engine = appliances.one()
    engine.begin()
    appliances.store.objects[engine_start_key(INSTALLATION, 1)] = b"torn"

    with pytest.raises(DuplicateInstallationError):
        engine.begin()
    engine.claim()
    engine.begin()


def test_a_full_repository_still_lets_the_engine_start() -> None:
    """Or else nothing could be restored from it."""

    class FullStore(MemoryObjectStore):
        def put_new(self, key: str, content: bytes) -> None:
            raise RepositoryFullError(f"no space for {key} of {len(content)} bytes")

    memory = Memory()
    engine = Appliances(FullStore()).one(memory)

    engine.begin()
    engine.confirm()
    engine.begin()

    assert memory.start[0] == 2
    assert engine.newest() is None


def test_a_crash_between_remembering_and_telling_is_no_second_appliance() -> None:
    appliances, memory = Appliances(), Memory()
    engine = appliances.one(memory)
    engine.begin()
    memory.note_start(2, "never told")

    engine.begin()

    newest = newest_engine_start(appliances.store, INSTALLATION)
    assert newest is not None
    assert newest.number == 3


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))
def test_two_copies_never_act_in_turns(steps: list[tuple[bool, bool]]) -> None:
    """Whoever acts after the other one has started is refused, and then the other one is, too."""
    appliances, memory = Appliances(), Memory()
    appliances.one(memory).begin()
    both = [appliances.one(memory), appliances.one(replace(memory))]
    last_starter: int | None = None
    disputed = False
    for is_second, starts in steps:
        who = int(is_second)
        may = not disputed and last_starter in {None, who}
        try:
            if starts:
                both[who].begin()
            else:
                both[who].confirm()
        except DuplicateInstallationError:
            assert not may
            disputed = True
        else:
            assert may
            last_starter = who if starts else last_starter
