"""Ten years of fifty machines, with outages, clocks that jump and a vCenter that is away now and then.

The oracle knows nothing of cron, of local-time arithmetic or of the planner: it walks through UTC in steps
of a quarter of an hour, reads the wall clock of each zone, and notes what the wall clock passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from appliance.model.policies import DueKey, Policy, Selection
from appliance.scheduling import TaggedMachine, due_runs
from tests.fakes.policies import policy, tagged

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
MACHINE_COUNT = 50
SEED = 20260101


@dataclass(frozen=True)
class Described:
    """A policy, and what it means in plain words: which quarter hours of which days, which machines."""

    policy: Policy
    is_meant: Callable[[datetime], bool]
    machines: range


def last_day_of_quarter(day: date) -> bool:
    return (day.month, day.day) in {(3, 31), (12, 31)}


ESTATE = [
    Described(
        policy("paris", "30 2 * * *", "Europe/Paris", active_since=START, selection=Selection(("a-*",))),
        lambda local: (local.hour, local.minute) == (2, 30),
        range(20),
    ),
    Described(
        policy(
            "york",
            "0,15 1,2 * * mon-fri",
            "America/New_York",
            active_since=START,
            selection=Selection(("b-*", "a-1?")),
        ),
        lambda local: local.weekday() < 5 and local.hour in (1, 2) and local.minute in (0, 15),
        range(10, 40),
    ),
    Described(
        policy("sunday", "45 23 * * sun", "UTC", active_since=START, selection=Selection(("*",))),
        lambda local: local.isoweekday() == 7 and (local.hour, local.minute) == (23, 45),
        range(MACHINE_COUNT),
    ),
    Described(
        policy(
            "quarter", "0 3 31 mar,dec *", "Asia/Kolkata", active_since=START, selection=Selection(("c-*",))
        ),
        lambda local: last_day_of_quarter(local.date()) and (local.hour, local.minute) == (3, 0),
        range(40, 50),
    ),
]


MACHINES = [tagged(f"{'aabbc'[number // 10]}-{number}", number=number) for number in range(MACHINE_COUNT)]
INVENTORIES = {year: MACHINES[: 40 + year - 2026 + 1] for year in range(2026, 2038)}
"""Fifty machines in the end: each of the last ten appears in a year of its own."""


def wall_clock_of(described: Described) -> Iterator[tuple[datetime, list[datetime]]]:
    """Yield each quarter hour of UTC with the meant local quarter hours that the wall clock has reached."""
    zone = ZoneInfo(described.policy.schedule.zone)
    shown = (START - QUARTER).astimezone(zone).replace(tzinfo=None)
    moment = START
    while moment < END:
        local, passed = moment.astimezone(zone).replace(tzinfo=None, fold=0), []
        while shown < local:
            shown += QUARTER
            if described.is_meant(shown):
                passed.append(shown)
        yield moment, passed
        moment += QUARTER


@dataclass
class Oracle:
    """What each policy owes at a moment: the newest of what its wall clock has passed, once."""

    passed: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    settled: set[tuple[str, datetime]] = field(default_factory=set)

    @classmethod
    def of_the_estate(cls) -> Oracle:
        passed = {
            str(each.policy.id): [
                (at, local) for at, locals_ in wall_clock_of(each) for local in locals_[-1:]
            ]
            for each in ESTATE
        }
        return cls(passed)

    def owed(self, described: Described, now: datetime) -> datetime | None:
        found = [local for at, local in self.newest_few(described.policy.id, now) if at <= now]
        if not found or (described.policy.id, found[-1]) in self.settled:
            return None
        return found[-1]

    def newest_few(self, name: str, now: datetime) -> list[tuple[datetime, datetime]]:
        """The part of a long list in which the newest one at `now` lies, found by halving."""
        entries, low, high = self.passed[name], 0, len(self.passed[name])
        while high - low > 4:
            middle = (low + high) // 2
            low, high = (middle, high) if entries[middle][0] <= now else (low, middle)
        return entries[max(low - 2, 0) : high + 2]


def moments(random: Random) -> Iterator[datetime]:
    """Yield when the engine looks around: about every hour, less outages, with a clock that errs."""
    now = START
    while now < END:
        yield now
        now += timedelta(minutes=random.choice((20, 60, 60, 100)))
        event = random.random()
        if event < 0.001:
            now += timedelta(days=random.uniform(0.1, 9))  # an outage
        elif event < 0.002 and now - START > timedelta(days=3):
            now -= timedelta(hours=random.uniform(0.1, 48))  # the clock is put back
        elif event < 0.0021:
            yield now + timedelta(days=random.uniform(0, 400))  # the clock is wrong for a moment


def test_ten_years_of_fifty_machines_are_as_an_independent_reading_says() -> None:
    random, oracle = Random(SEED), Oracle.of_the_estate()
    fired: set[DueKey] = set()
    runs: Counter[tuple[str, str]] = Counter()
    count = 0
    for now in moments(random):
        answers = random.random() > 0.05
        inventory = INVENTORIES[now.year] if answers else []
        plan = due_runs([each.policy for each in ESTATE], fired, {"main": inventory} if answers else {}, now)

        if now < END:
            assert {(due.policy, due.local) for due in plan.settled} == expected(oracle, now, answers=answers)
        else:
            oracle.settled |= {(due.policy, due.local) for due in plan.settled}
        fired |= {due.key for due in plan.settled}
        for run in plan.runs:
            count += 1
            runs.update((due.key, run.machine.identity.key) for due in run.due_times)
        if plan.settled:
            assert names_of_runs(plan.runs) == machines_meant(plan.settled, inventory)
        else:
            assert plan.runs == ()
    assert max(runs.values()) == 1, f"seed {SEED}: a machine has two runs for one due time"
    assert count > 100_000


def expected(oracle: Oracle, now: datetime, *, answers: bool) -> set[tuple[str, datetime]]:
    """What is owed now; remembered as settled, as vCenter answers."""
    owed = {(each.policy.id, local) for each in ESTATE if (local := oracle.owed(each, now)) is not None}
    if not answers:
        return set()
    oracle.settled |= owed
    return {(name, local) for name, local in owed}


def names_of_runs(runs: object) -> list[str]:
    assert isinstance(runs, tuple)
    return sorted(run.machine.name for run in runs)


def machines_meant(settled: object, inventory: list[TaggedMachine]) -> list[str]:
    """Each machine once that a settled policy means, by its number."""
    assert isinstance(settled, tuple)
    names = {due.policy for due in settled}
    numbers = {number for each in ESTATE if each.policy.id in names for number in each.machines}
    return sorted(
        each.machine.name for each in inventory if int(each.machine.name.partition("-")[2]) in numbers
    )
