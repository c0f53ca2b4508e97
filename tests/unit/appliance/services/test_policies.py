from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.model.documents import from_json
from appliance.model.identifiers import RecoveryPointId, RunId
from appliance.model.policies import Retention
from appliance.model.recovery_points import ExcludedDisk, RecoveryPoint
from appliance.model.requests import BackupRequest
from appliance.model.runs import RunKind, RunOutcome, RunState
from appliance.model.virtual_machines import ExclusionReason
from appliance.services import (
    LongSimulationError,
    NewPolicy,
    PolicyRefusedError,
    QueuedRuns,
    RetentionWords,
)
from appliance.state import PolicyExistsError, PolicyNotFoundError, RunFilter, VcenterNotFoundError
from appliance.vsphere.errors import LoginRefusedError
from tests.fakes.recovery_points import disk, image, point
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

NIGHTLY = NewPolicy("nightly", "main", "30 2 * * *", names=("web-*",))


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Services with a vCenter of three machines, on 1 January 2026 at midnight."""
    desk.equipped().gateway.inventory = [machine("web-1", 1), machine("web-2", 2), machine("db-1", 3)]
    return desk


def move_to(desk: Desk, text: str) -> None:
    desk.clock.current = datetime.fromisoformat(text).replace(tzinfo=UTC)


def names(queued: QueuedRuns) -> list[str]:
    return [each.run.subject_name for each in queued.runs]


def history(count: int, number: int = 1) -> list[RecoveryPoint]:
    """Points of machine `number`, one a day until the desk's present."""
    made = []
    for day in range(count):
        at = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(days=count - day)
        of = machine(f"web-{number}", number)
        made.append(
            replace(
                point(day, image(disk())),
                id=RecoveryPointId(f"{number}-{day:02}"),
                machine=of.identity,
                machine_name=of.name,
                created_at=at,
            )
        )
    return made


def end_backup(desk: Desk, run: RunId, state: RunState = RunState.SUCCEEDED) -> None:
    claimed = desk.run_store.claim_next(desk.clock.now())
    assert claimed is not None
    assert claimed.id == run
    desk.run_store.finish(claimed, RunOutcome(state, "{}"), desk.clock.now())


def test_a_new_policy_is_listed_with_its_next_due_time_and_waits_for_it(desk: Desk) -> None:
    move_to(desk, "2026-01-05T12:00")
    added = desk.policies.add(NIGHTLY)
    assert desk.policies.list() == [added]
    assert added.next_due == datetime(2026, 1, 6, 2, 30, tzinfo=UTC)
    assert added.policy.retention == Retention(keep_last=7)
    assert desk.due_policies.queue_due() == QueuedRuns((), {})


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (replace(NIGHTLY, cron="30 2 * * 1-5"), "programs disagree"),
        (replace(NIGHTLY, cron="0 0 30 feb *"), "never comes"),
        (replace(NIGHTLY, zone="Mars/Olympus"), "is not a time zone"),
        (replace(NIGHTLY, names=()), "needs a name pattern"),
        (replace(NIGHTLY, folders=("vm",)), "is not an inventory path"),
        (replace(NIGHTLY, retention=RetentionWords(last=0)), "newest point always stays"),
        (replace(NIGHTLY, name=" "), "cannot be a policy's name"),
    ],
)
def test_a_word_that_cannot_be_meant_is_refused_and_nothing_is_kept(
    desk: Desk, wrong: NewPolicy, complaint: str
) -> None:
    with pytest.raises(PolicyRefusedError, match=complaint):
        desk.policies.add(wrong)
    assert desk.policies.list() == []


def test_a_policy_needs_a_known_vcenter_and_a_free_name(desk: Desk) -> None:
    with pytest.raises(VcenterNotFoundError):
        desk.policies.add(replace(NIGHTLY, vcenter="other"))
    desk.policies.add(NIGHTLY)
    with pytest.raises(PolicyExistsError):
        desk.policies.add(NIGHTLY)
    with pytest.raises(PolicyNotFoundError):
        desk.policies.view("weekly")


def test_a_policy_shows_which_machines_it_means_and_what_it_has_done(desk: Desk) -> None:
    desk.policies.add(replace(NIGHTLY, exclude_names=("web-2",)))
    move_to(desk, "2026-01-01T02:30")
    (run,) = desk.due_policies.queue_due().runs
    view = desk.policies.view("nightly")
    assert view.machines is not None
    assert [each.machine.name for each in view.machines.selected] == ["web-1"]
    assert [each.machine.name for each in view.machines.left_out] == ["web-2"]
    assert [firing.runs for firing in view.firings] == [(run.run.id,)]
    assert view.next_due == datetime(2026, 1, 2, 2, 30, tzinfo=UTC)


def test_a_vcenter_that_is_away_hides_the_machines_but_not_the_policy(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    desk.gateway.password = "changed"
    view = desk.policies.view("nightly")
    assert view.machines is None
    assert isinstance(view.failure, LoginRefusedError)


def test_a_due_policy_queues_one_run_a_machine_and_says_so_in_its_log(desk: Desk) -> None:
    desk.policies.add(replace(NIGHTLY, accepted_disks=("Hard disk 2",)))
    move_to(desk, "2026-01-01T02:30")
    queued = desk.due_policies.queue_due()
    assert names(queued) == ["web-1", "web-2"]
    run = queued.runs[0].run
    assert (run.kind, run.state) == (RunKind.BACKUP, RunState.QUEUED)
    web = machine("web-1", 1)
    expected = BackupRequest("main", web.moref, web.identity, accepted_disks=("Hard disk 2",))
    assert from_json(BackupRequest, run.request) == expected
    assert [line.text for line in desk.runs.log_of(run.id)] == [
        "asked for by policy nightly, due at 2026-01-01 02:30 (2026-01-01 02:30Z)"
    ]


def test_asking_again_queues_nothing_more_even_when_the_runs_have_ended(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T02:30")
    for each in desk.due_policies.queue_due().runs:
        desk.runs.cancel(each.run.id)
    for moment in ("2026-01-01T02:31", "2026-01-01T02:30", "2026-01-02T02:29"):
        move_to(desk, moment)
        assert names(desk.due_policies.queue_due()) == []
    move_to(desk, "2026-01-02T02:30")
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]


def test_a_machine_whose_backup_is_active_joins_it(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T02:30")
    first = desk.due_policies.queue_due()
    move_to(desk, "2026-01-02T02:30")
    second = desk.due_policies.queue_due()
    assert [each.joined for each in second.runs] == [True, True]
    assert [each.run.id for each in second.runs] == [each.run.id for each in first.runs]


def test_a_policy_stays_due_until_its_vcenter_answers(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    password, desk.gateway.password = desk.gateway.password, "changed"
    move_to(desk, "2026-01-01T02:30")
    queued = desk.due_policies.queue_due()
    assert names(queued) == []
    assert list(queued.failures) == ["main"]
    desk.gateway.password = password
    move_to(desk, "2026-01-01T04:00")
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]


def test_no_vcenter_is_asked_while_nothing_is_due(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    before = len(desk.gateway.addresses)
    move_to(desk, "2026-01-01T02:29")
    desk.due_policies.queue_due()
    assert len(desk.gateway.addresses) == before


def test_a_simulation_is_what_then_happens(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    desk.policies.add(replace(NIGHTLY, name="often", cron="0 */8 * * *", zone="Asia/Kolkata", names=("*",)))
    simulated = desk.due_policies.simulate(days=3)
    assert len(simulated) == 9
    for each in simulated:
        desk.clock.current = each.at
        queued = desk.due_policies.queue_due()
        assert sorted(names(queued)) == sorted(run.machine.name for run in each.plan.runs)
        for run in queued.runs:
            desk.runs.cancel(run.run.id)
    assert desk.runs.page(RunFilter(states=frozenset({RunState.QUEUED}))) == []


def test_a_simulation_changes_nothing_and_begins_with_what_is_due_already(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T05:00")
    (only,) = desk.due_policies.simulate(days=0)
    assert only.at == desk.clock.now()
    assert [due.local.hour for due in only.plan.settled] == [2]
    assert desk.runs.page(RunFilter()) == []
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]


def test_a_simulation_that_nobody_would_read_is_refused(desk: Desk) -> None:
    desk.policies.add(replace(NIGHTLY, cron="* * * * *"))
    with pytest.raises(LongSimulationError, match="more than 5000"):
        desk.due_policies.simulate(days=4)


def test_a_removed_policy_is_due_no_more_and_its_runs_stay(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T02:30")
    desk.due_policies.queue_due()
    desk.policies.remove("nightly")
    move_to(desk, "2026-01-05T02:30")
    assert desk.due_policies.queue_due() == QueuedRuns((), {})
    assert len(desk.runs.page(RunFilter())) == 2


def test_retention_retires_what_no_policy_keeps_and_says_by_which_rules(desk: Desk) -> None:
    desk.catalog.points = history(10) + history(9, number=3)
    desk.policies.add(replace(NIGHTLY, retention=RetentionWords(last=8)))
    assert [len(each.plan.retire) for each in desk.retention.plans()] == [2, 0]
    assert desk.shelf.retired == {}

    desk.retention.apply()
    assert desk.shelf.retired == {
        "1-00": "kept by no rule of nightly",
        "1-01": "kept by no rule of nightly",
    }
    assert [len(each.plan.retire) for each in desk.retention.apply()] == [0, 0]


def test_a_point_stays_while_any_policy_of_its_machine_keeps_it_a_disabled_one_too(desk: Desk) -> None:
    desk.catalog.points = history(10)
    desk.policies.add(replace(NIGHTLY, retention=RetentionWords(last=7)))
    desk.policies.add(replace(NIGHTLY, name="off", retention=RetentionWords(last=9), enabled=False))
    (only,) = desk.retention.apply()
    assert only.policies == ("nightly", "off")
    assert list(desk.shelf.retired) == ["1-00"]


def test_retention_waits_for_every_vcenter_that_has_policies(desk: Desk) -> None:
    desk.catalog.points = history(10)
    desk.policies.add(replace(NIGHTLY, retention=RetentionWords(last=8)))
    desk.gateway.password = "changed"
    with pytest.raises(LoginRefusedError):
        desk.retention.apply()
    assert desk.shelf.retired == {}


def test_points_with_gaps_do_not_count_as_good(desk: Desk) -> None:
    excluded = ExcludedDisk(disk(), ExclusionReason.INDEPENDENT, accepted=False)
    points = history(4)
    desk.catalog.points = [points[0], *(replace(each, excluded_disks=(excluded,)) for each in points[1:])]
    desk.policies.add(replace(NIGHTLY, retention=RetentionWords(last=1)))
    desk.retention.apply()
    assert list(desk.shelf.retired) == ["1-01", "1-02"]


def test_a_flood_needs_a_persons_word(desk: Desk) -> None:
    desk.catalog.points = history(20)
    desk.policies.add(replace(NIGHTLY, retention=RetentionWords(last=2)))
    (held_back,) = desk.retention.apply()
    assert held_back.plan.refusal == "18 of 20 points would go at once"
    assert desk.shelf.retired == {}
    desk.retention.apply(accept_flood=True)
    assert len(desk.shelf.retired) == 18


def test_the_keeper_queues_what_is_due_and_says_when_to_wake_it(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T02:30")
    assert desk.policy_keeper.wake() == datetime(2026, 1, 2, 2, 30, tzinfo=UTC)
    assert len(desk.runs.page(RunFilter())) == 2


def test_the_keeper_applies_retention_to_machines_that_were_backed_up_and_to_no_other(desk: Desk) -> None:
    desk.catalog.points = history(10, number=1) + history(10, number=2)
    desk.policies.add(replace(NIGHTLY, retention=RetentionWords(last=8)))
    move_to(desk, "2026-01-01T02:30")
    first, second = desk.due_policies.queue_due().runs
    end_backup(desk, first.run.id)
    desk.policy_keeper.wake()
    assert sorted(desk.shelf.retired) == ["1-00", "1-01"]

    end_backup(desk, second.run.id, RunState.COMPLETED_WITH_GAPS)
    desk.policy_keeper.wake()
    assert sorted(desk.shelf.retired) == ["1-00", "1-01"]
    desk.clock.current += timedelta(minutes=5)
    desk.policy_keeper.wake()
    assert sorted(desk.shelf.retired) == ["1-00", "1-01", "2-00", "2-01"]


def test_the_keeper_survives_a_vcenter_that_is_away_and_tries_again(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.catalog.points = history(10)
    desk.policies.add(replace(NIGHTLY, retention=RetentionWords(last=8)))
    move_to(desk, "2026-01-01T02:30")
    first, _ = desk.due_policies.queue_due().runs
    end_backup(desk, first.run.id)
    password, desk.gateway.password = desk.gateway.password, "changed"
    assert desk.policy_keeper.wake() is None
    assert "policies wait" in caplog.text
    desk.gateway.password = password
    desk.clock.current += timedelta(minutes=5)
    desk.policy_keeper.wake()
    assert sorted(desk.shelf.retired) == ["1-00", "1-01"]
