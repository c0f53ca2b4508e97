from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.identifiers import RunId
from appliance.model.notifications import MachineTrouble, Notice, NoticeKind
from appliance.model.policies import DueTime, Policy
from appliance.model.runs import ENDED_STATES, RunFailure, RunState
from appliance.scheduling import latest_due
from appliance.services.notice_decisions import (
    OVERDUE_AFTER,
    REMINDED_AFTER,
    RETRY_GRACE,
    SILENT_AFTER,
    notices_of,
)
from appliance.state import FiredDueTime, FiredMachine, NoticeFacts, SignOfLife, ToldNotice, night_key
from tests.fakes.policies import policy

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NIGHTLY = policy("nightly", active_since=START)
FAILURE = RunFailure("KL-2052", "vCenter refused the snapshot", "Look at the task.", 3)
TRANSIENT = replace(FAILURE, code="KL-2001", transient=True)
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class World:
    """What the state database would hold of one policy, without any short cut."""

    policy: Policy = NIGHTLY
    machines: tuple[str, ...] = ("web-1", "web-2")
    now: datetime = START
    since: datetime = START
    fired: list[FiredDueTime] = field(default_factory=list)
    signs: dict[str, SignOfLife] = field(default_factory=dict)
    told: list[Notice] = field(default_factory=list)

    def facts(self) -> NoticeFacts:
        told = tuple(ToldNotice(each.key, each.kind, each.policy, each.at) for each in self.told)
        return NoticeFacts(self.since, (self.policy,), tuple(self.fired), self.signs, {}, told)

    def look(self) -> list[Notice]:
        found = list(notices_of(self.facts(), self.now))
        self.told += found
        return found

    def kinds(self) -> list[NoticeKind]:
        return [notice.kind for notice in self.look()]

    def after(self, time: timedelta) -> World:
        self.now += time
        return self

    def take_up(self) -> None:
        """What an engine does with the newest due time; a machine whose run is active joins it."""
        due = latest_due(self.policy, self.now)
        if due is None or any(each.key == due.key for each in self.fired):
            return
        machines = tuple(self._active(name) or self._new(name, due) for name in self.machines)
        self.fired.append(FiredDueTime(self.policy.id, due.key, due.at, self.now, machines))

    def end(self, name: str, state: RunState, failure: RunFailure | None = None) -> None:
        """End the active run of a machine, wherever it stands."""
        active = self._active(name)
        if active is None:
            return
        ended = replace(active, state=state, ended_at=self.now, failure=failure)
        self._put(active.run, ended)
        sign = self.signs.get(name, SignOfLife())
        if state is RunState.FAILED:
            self.signs[name] = replace(sign, failed_at=self.now)
        elif state is not RunState.CANCELLED:
            self.signs[name] = replace(sign, point_at=self.now)

    def repeat(self, name: str) -> None:
        """Queue the repetition of a machine's newest run, if that failed by a transient error."""
        for due in reversed(self.fired):
            machine = next((each for each in due.machines if each.subject == name), None)
            if machine is not None:
                may_be = machine.failure is not None and machine.failure.transient
                is_soon = machine.ended_at is not None and self.now - machine.ended_at < RETRY_GRACE
                if machine.state is RunState.FAILED and may_be and is_soon:
                    again = RunId(f"{machine.run}+")
                    self._put(machine.run, FiredMachine(name, name, again, RunState.QUEUED))
                return

    def _new(self, name: str, due: DueTime) -> FiredMachine:
        return FiredMachine(name, name, RunId(f"{name}@{due.local:%d}"), RunState.RUNNING)

    def _active(self, name: str) -> FiredMachine | None:
        machines = (machine for due in self.fired for machine in due.machines if machine.subject == name)
        return next((machine for machine in machines if machine.state not in ENDED_STATES), None)

    def _put(self, run: RunId, machine: FiredMachine) -> None:
        self.fired = [
            replace(due, machines=tuple(machine if each.run == run else each for each in due.machines))
            for due in self.fired
        ]


def at_night(**changes: object) -> World:
    """Half past two, the due time of the first night just taken up."""
    world = World(**changes)  # type: ignore[arg-type] # a test names the fields
    world.now = START + timedelta(hours=14, minutes=30)
    world.take_up()
    assert len(world.fired) == 1
    return world


def test_a_good_night_is_nobodys_business() -> None:
    world = at_night()
    for name in world.machines:
        world.end(name, RunState.SUCCEEDED)
    assert world.look() == []
    assert world.after(25 * HOUR).look()[0].kind is NoticeKind.SILENCE  # the next night was not taken up


def test_a_failed_night_is_told_once_when_the_last_run_has_ended() -> None:
    world = at_night()
    world.end("web-1", RunState.FAILED, FAILURE)
    assert world.look() == []
    world.after(HOUR).end("web-2", RunState.SUCCEEDED)
    (told,) = world.look()
    assert (told.kind, told.title) == (NoticeKind.FAILED, "nightly: the backup of web-1 failed")
    assert told.due_at == world.fired[0].due_at
    (machine,) = told.machines
    assert (machine.name, machine.trouble, machine.code) == ("web-1", MachineTrouble.FAILED, "KL-2052")
    assert (machine.message, machine.remedy) == (FAILURE.message, FAILURE.remedy)
    assert world.look() == world.after(HOUR).look() == []


def test_gaps_are_named_apart_and_alone_they_are_told_too() -> None:
    world = at_night()
    world.end("web-1", RunState.FAILED, FAILURE)
    world.end("web-2", RunState.COMPLETED_WITH_GAPS)
    (told,) = world.look()
    assert [each.trouble for each in told.machines] == [MachineTrouble.FAILED, MachineTrouble.GAPS]

    world = at_night()
    world.end("web-1", RunState.SUCCEEDED)
    world.end("web-2", RunState.COMPLETED_WITH_GAPS)
    (told,) = world.look()
    assert (told.kind, told.title) == (NoticeKind.GAPS, "nightly: 1 of 2 recovery points lack a disk")


def test_what_a_person_cancelled_is_no_failure() -> None:
    world = at_night()
    world.end("web-1", RunState.CANCELLED)
    world.end("web-2", RunState.SUCCEEDED)
    assert world.look() == []


def test_a_failure_that_may_be_repeated_waits_for_its_repetitions() -> None:
    world = at_night(machines=("web-1",))
    world.end("web-1", RunState.FAILED, TRANSIENT)
    assert world.look() == []
    world.repeat("web-1")
    assert world.after(HOUR).look() == []
    world.end("web-1", RunState.FAILED, TRANSIENT)
    assert world.look() == []
    assert world.after(RETRY_GRACE).kinds() == [NoticeKind.FAILED]


def test_a_repetition_that_succeeds_makes_it_a_good_night() -> None:
    world = at_night(machines=("web-1",))
    world.end("web-1", RunState.FAILED, TRANSIENT)
    world.repeat("web-1")
    world.after(HOUR).end("web-1", RunState.SUCCEEDED)
    assert world.after(HOUR).look() == []


def test_a_run_that_hangs_does_not_hide_the_failures_of_the_others() -> None:
    world = at_night()
    world.end("web-1", RunState.FAILED, FAILURE)
    assert world.after(SILENT_AFTER - HOUR).kinds() == [NoticeKind.SILENCE]  # the second night is overdue
    found = world.after(HOUR).look()
    assert [(each.kind, [(m.name, m.trouble) for m in each.machines]) for each in found] == [
        (
            NoticeKind.FAILED,
            [("web-1", MachineTrouble.FAILED), ("web-2", MachineTrouble.SILENT)],
        )
    ]


def test_a_policy_that_means_nothing_is_told_each_due_time() -> None:
    world = at_night(machines=())
    (told,) = world.look()
    assert told.kind is NoticeKind.NOTHING_SELECTED
    assert told.reason is not None
    assert "vCenter main" in told.reason.text
    world.after(24 * HOUR).take_up()
    assert world.kinds() == [NoticeKind.NOTHING_SELECTED]


def test_nights_before_the_notifier_was_set_are_not_told() -> None:
    world = at_night(since=START + timedelta(days=1))
    world.end("web-1", RunState.FAILED, FAILURE)
    world.end("web-2", RunState.FAILED, FAILURE)
    assert world.look() == []


def test_a_due_time_that_nobody_takes_up_is_told_after_an_hour_then_once_a_day() -> None:
    world = World(now=datetime(2026, 3, 2, 2, 30, tzinfo=UTC))
    assert world.after(OVERDUE_AFTER - timedelta(seconds=1)).look() == []
    (told,) = world.after(timedelta(seconds=1)).look()
    assert told.kind is NoticeKind.SILENCE
    assert told.title == "nightly: no backups: nobody took it up when it was due at 2026-03-02 02:30 UTC"
    assert world.after(REMINDED_AFTER - timedelta(seconds=1)).look() == []
    assert world.after(timedelta(seconds=1)).kinds() == [NoticeKind.SILENCE]


def test_it_works_again_once_a_point_proves_it() -> None:
    world = World(now=datetime(2026, 3, 2, 5, 0, tzinfo=UTC))
    assert world.kinds() == [NoticeKind.SILENCE]
    world.after(HOUR).take_up()
    assert world.look() == []
    world.after(HOUR).end("web-1", RunState.SUCCEEDED)
    (told,) = world.look()
    assert (told.kind, told.title) == (NoticeKind.WORKS_AGAIN, "nightly: backups work again")
    assert world.look() == []


def test_runs_that_never_end_are_silence_although_they_were_taken_up() -> None:
    world = at_night()
    world.end("web-1", RunState.SUCCEEDED)
    assert world.after(24 * HOUR).look() == []
    world.take_up()
    world.end("web-1", RunState.SUCCEEDED)
    found = world.after(2 * HOUR).look()
    assert [[(m.name, m.message) for m in each.machines] for each in found] == [
        [("web-2", "its last run is running")]
    ]
    assert found[0].title == "nightly: nothing was heard of web-2: neither a recovery point nor a failure"


def test_a_machine_that_a_policy_means_no_more_is_not_missed() -> None:
    world = at_night()
    world.end("web-1", RunState.SUCCEEDED)
    world.machines = ("web-1",)
    world.after(24 * HOUR).take_up()
    world.end("web-1", RunState.SUCCEEDED)
    assert world.after(2 * HOUR).look() == []


@pytest.mark.parametrize("cron", ["0 0 1 jan *", "0 3 * * sun"])
def test_a_schedule_that_is_rarely_due_is_silent_only_when_it_was(cron: str) -> None:
    world = World(policy=replace(NIGHTLY, schedule=replace(NIGHTLY.schedule, cron=cron)))
    assert world.after(timedelta(days=6)).look() == []


def test_a_disabled_policy_is_silent_on_purpose() -> None:
    world = World(now=datetime(2026, 3, 2, 5, 0, tzinfo=UTC))
    assert world.kinds() == [NoticeKind.SILENCE]
    world.policy = replace(world.policy, enabled=False)
    assert world.after(timedelta(days=3)).look() == []


STATES = st.sampled_from(
    [
        (RunState.SUCCEEDED, None),
        (RunState.COMPLETED_WITH_GAPS, None),
        (RunState.FAILED, FAILURE),
        (RunState.FAILED, TRANSIENT),
        (RunState.CANCELLED, None),
    ]
)
NAMES = st.sampled_from(["web-1", "web-2"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 40 * 60)),
        st.tuples(st.just("take up")),
        st.tuples(st.just("look"), st.integers(1, 3)),
        st.tuples(st.just("end"), NAMES, STATES),
        st.tuples(st.just("repeat"), NAMES),
    ),
    max_size=60,
)


def lived_through(steps: list[tuple[object, ...]]) -> World:
    """A world after these steps; each look may be the one of another process, or of one after a restart."""
    world = World()
    for step in steps:
        match step:
            case ("wait", int(minutes)):
                world.after(timedelta(minutes=minutes))
            case ("take up",):
                world.take_up()
            case ("look", int(times)):
                for _ in range(times):
                    world.look()
            case ("end", str(name), (RunState() as state, failure)):
                world.end(name, state, failure)
            case ("repeat", str(name)):
                world.repeat(name)
    return world


def troubled(world: World) -> Iterator[FiredDueTime]:
    for due in world.fired:
        states = {machine.state for machine in due.machines}
        if states & {RunState.FAILED, RunState.COMPLETED_WITH_GAPS}:
            yield due


@given(STEPS)
def test_every_failed_night_is_told_exactly_once(steps: list[tuple[object, ...]]) -> None:
    world = lived_through(steps)
    for name in world.machines:
        world.end(name, RunState.FAILED, FAILURE)
    world.after(RETRY_GRACE).look()
    world.after(SILENT_AFTER).look()

    keys = [notice.key for notice in world.told]
    assert len(keys) == len(set(keys))
    for due in troubled(world):
        assert keys.count(night_key(due.policy, due.due_at)) == 1
    nights = [each for each in world.told if each.due_at and each.kind is NoticeKind.FAILED]
    for told in nights:
        assert any(machine.trouble is MachineTrouble.FAILED for machine in told.machines)


@given(STEPS)
def test_a_second_look_at_once_finds_nothing(steps: list[tuple[object, ...]]) -> None:
    world = lived_through(steps)
    world.look()
    assert world.look() == []


@given(STEPS)
def test_silence_is_told_daily_and_ends_once(steps: list[tuple[object, ...]]) -> None:
    world = lived_through(steps)
    episode = [notice for notice in world.told if notice.kind in (NoticeKind.SILENCE, NoticeKind.WORKS_AGAIN)]
    assert not episode or episode[0].kind is NoticeKind.SILENCE
    for before, after in pairwise(episode):
        if after.kind is NoticeKind.WORKS_AGAIN:
            assert before.kind is NoticeKind.SILENCE
        elif before.kind is NoticeKind.SILENCE:
            assert after.at - before.at >= REMINDED_AFTER


@given(STEPS)
def test_nobody_is_left_in_the_dark(steps: list[tuple[object, ...]]) -> None:
    """However things went: when nothing has happened for three days, an enabled policy says so."""
    world = lived_through(steps)
    world.look()
    world.after(timedelta(days=3)).look()
    last = [each for each in world.told if each.kind in (NoticeKind.SILENCE, NoticeKind.WORKS_AGAIN)][-1]
    assert last.kind is NoticeKind.SILENCE
    assert world.now - last.at < REMINDED_AFTER


@given(STEPS)
def test_what_is_told_does_not_depend_on_when_it_was_looked(steps: list[tuple[object, ...]]) -> None:
    """Nights alone: a look that was left out loses none, one more adds none."""
    often = lived_through([each for step in steps for each in (step, ("look", 1))])
    seldom = lived_through([step for step in steps if step[0] != "look"])
    for world in (often, seldom):
        for name in world.machines:
            world.end(name, RunState.SUCCEEDED)
        world.after(SILENT_AFTER).look()

    def nights(world: World) -> set[str]:
        return {notice.key for notice in world.told if notice.key.startswith("night/")}

    assert nights(seldom) <= nights(often)
