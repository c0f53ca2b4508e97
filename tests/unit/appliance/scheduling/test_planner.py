from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.model.policies import DueKey, Policy, Selection
from appliance.model.recovery_points import Consistency
from appliance.scheduling import Plan, TaggedMachine, due_runs, newest_due_times, next_due_moment
from tests.fakes.policies import machines, policy, tagged

DAY = timedelta(days=1)
WEB = Selection(names=("web-*",))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def keys(plan: Plan) -> list[str]:
    return [due.key for due in plan.settled]


def run_names(plan: Plan) -> list[str]:
    return [run.machine.name for run in plan.runs]


def plan_of(
    policies: list[Policy], now: str, inventory: list[TaggedMachine], fired: tuple[str, ...] = ()
) -> Plan:
    return due_runs(policies, {DueKey(key) for key in fired}, {"main": inventory}, utc(now))


def test_a_due_policy_has_a_run_for_each_of_its_machines() -> None:
    plan = plan_of(
        [policy(selection=WEB, accepted_disks=("Hard disk 2",))],
        "2026-11-22T02:30",
        machines("web-1", "db-1", "web-2"),
    )
    assert keys(plan) == ["p-nightly@2026-11-22T02:30"]
    assert run_names(plan) == ["web-1", "web-2"]
    assert {run.vcenter for run in plan.runs} == {"main"}
    assert {run.accepted_disks for run in plan.runs} == {("Hard disk 2",)}


def test_nothing_is_due_before_its_time_nor_after_it_has_fired() -> None:
    made = policy(active_since=utc("2026-11-21T12:00"))
    inventory = machines("web-1")
    assert plan_of([made], "2026-11-22T02:29", inventory) == Plan((), ())
    for later in ("2026-11-22T02:30", "2026-11-23T02:29"):
        assert plan_of([made], later, inventory, ("p-nightly@2026-11-22T02:30",)) == Plan((), ())


def test_a_disabled_policy_is_never_due() -> None:
    assert plan_of([policy(enabled=False)], "2026-11-22T02:30", machines("web-1")) == Plan((), ())


def test_however_many_were_missed_one_run_catches_up() -> None:
    hourly = policy("hourly", "0 * * * *")
    plan = plan_of([hourly], "2026-11-22T09:45", machines("web-1"), ("p-hourly@2026-11-19T03:00",))
    assert keys(plan) == ["p-hourly@2026-11-22T09:00"]
    assert run_names(plan) == ["web-1"]


def test_half_past_two_that_comes_twice_fires_once() -> None:
    nightly = policy(zone="Europe/Paris")
    first = plan_of([nightly], "2026-10-25T00:30", machines("web-1"))
    assert keys(first) == ["p-nightly@2026-10-25T02:30"]
    again = plan_of([nightly], "2026-10-25T01:30", machines("web-1"), tuple(keys(first)))
    assert again == Plan((), ())


def test_a_clock_that_was_put_back_fires_nothing_again() -> None:
    hourly = policy("hourly", "0 * * * *")
    fired = tuple(f"p-hourly@2026-11-22T{hour:02}:00" for hour in range(10))
    for hour in range(10):
        assert plan_of([hourly], f"2026-11-22T{hour:02}:20", machines("a"), fired) == Plan((), ())


def test_a_clock_that_was_years_ahead_for_a_moment_stops_no_policy() -> None:
    fired = ("p-nightly@2036-01-01T02:30", "p-nightly@2026-11-21T02:30")
    assert keys(plan_of([policy()], "2026-11-22T02:30", machines("a"), fired)) == [
        "p-nightly@2026-11-22T02:30"
    ]


def test_a_machine_in_two_due_policies_has_one_run_for_both() -> None:
    first = policy("first", accepted_disks=("Hard disk 2", "Hard disk 3"))
    second = policy("second", selection=WEB, accepted_disks=("Hard disk 3",))
    plan = plan_of([first, second], "2026-11-22T02:30", machines("db-1", "web-1"))
    assert len(plan.settled) == 2
    database, web = plan.runs
    assert [due.policy for due in database.due_times] == ["p-first"]
    assert [due.policy for due in web.due_times] == ["p-first", "p-second"]
    assert database.accepted_disks == ("Hard disk 2", "Hard disk 3")
    assert web.accepted_disks == ("Hard disk 3",)


def test_a_machine_that_was_tagged_later_joins_at_the_next_due_time() -> None:
    gold = policy(selection=Selection(tags=tuple(tagged("x", "Backup/Gold").tags)))
    assert run_names(plan_of([gold], "2026-11-22T02:30", [tagged("a", "Backup/Gold"), *machines("b")])) == [
        "a"
    ]
    both = [tagged("a", "Backup/Gold"), tagged("b", "Backup/Gold", number=2)]
    assert run_names(plan_of([gold], "2026-11-23T02:30", both)) == ["a", "b"]


def test_a_policy_that_means_no_machine_is_settled_without_a_run() -> None:
    plan = plan_of([policy(selection=WEB)], "2026-11-22T02:30", machines("db-1"))
    assert keys(plan) == ["p-nightly@2026-11-22T02:30"]
    assert plan.runs == ()


def test_a_policy_stays_due_while_its_vcenter_does_not_answer() -> None:
    here, there = policy("here"), policy("there", vcenter="branch")
    plan = plan_of([here, there], "2026-11-22T02:30", machines("web-1"))
    assert keys(plan) == ["p-here@2026-11-22T02:30"]
    assert [due.policy for due in newest_due_times([here, there], utc("2026-11-22T02:30"))] == [
        "p-here",
        "p-there",
    ]


def test_a_machine_keeps_its_run_when_it_was_moved_and_has_another_moref() -> None:
    (before,) = machines("web-1")
    after = replace(before, machine=replace(before.machine, name="web-1b"))
    plan = plan_of([policy("a"), policy("b")], "2026-11-22T02:30", [before, after])
    assert len(plan.runs) == 1


def test_the_next_moment_is_that_of_the_first_enabled_policy() -> None:
    policies = [
        policy("late", "0 6 * * *"),
        policy("early", "0 5 * * *"),
        policy("off", "0 4 * * *", enabled=False),
    ]
    assert next_due_moment(policies, utc("2026-11-22T03:00")) == utc("2026-11-22T05:00")
    assert next_due_moment([], utc("2026-11-22T03:00")) is None


WANDERINGS = st.lists(st.integers(-3 * 86_400, 3 * 86_400), min_size=1, max_size=40)


@given(
    WANDERINGS,
    st.sampled_from(["30 2 * * *", "*/30 1-3 * * *", "0 0 * * mon"]),
    st.sampled_from(["UTC", "Europe/Paris", "America/New_York"]),
    st.sampled_from(["2026-10-24T22:00", "2026-03-28T22:00", "2026-11-01T04:00"]),
)
def test_whatever_the_clock_does_no_due_time_fires_twice(
    wanderings: list[int], cron: str, zone: str, start: str
) -> None:
    each = policy("p", cron, zone)
    now, fired = utc(start), list[DueKey]()
    for seconds in wanderings:
        now += timedelta(seconds=seconds)
        plan = due_runs([each], fired, {"main": machines("a")}, now)
        assert all(due.at <= now for due in plan.settled)
        assert len(plan.runs) == len(plan.settled) <= 1
        fired += [due.key for due in plan.settled]
    assert len(fired) == len(set(fired))


def test_of_two_due_policies_the_stronger_consistency_is_asked_for() -> None:
    plain = policy("plain")
    strict = policy("strict", consistency=Consistency.APPLICATION)
    for policies in ([plain, strict], [strict, plain]):
        (run,) = plan_of(policies, "2026-11-22T02:30", machines("web-1")).runs
        assert run.consistency is Consistency.APPLICATION
        assert len(run.due_times) == 2
    (alone,) = plan_of([plain], "2026-11-22T02:30", machines("web-1")).runs
    assert alone.consistency is Consistency.CRASH
