from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.documents import from_json
from appliance.model.policies import DueKey, PolicyId
from appliance.model.recovery_points import Consistency
from appliance.model.requests import BackupRequest
from appliance.model.runs import RunKind, RunState
from appliance.scheduling import LeftOutMachine, LeftOutReason, SelectedMachine, due_between
from appliance.services import (
    FiringCounts,
    FiringNotFoundError,
    MachinesWish,
    NewPolicy,
    NothingMeantError,
    OutcomeKind,
    PolicyNotFoundError,
    RunFilter,
    SelectionPreview,
    coming_due_times,
    machines_page,
    outcome_of,
)
from appliance.vsphere.errors import LoginRefusedError
from tests.fakes.policies import policy
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NIGHTLY = NewPolicy("nightly", "main", "30 2 * * *", names=("web-*",))


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Services with a vCenter of three machines, on 1 January 2026 at midnight."""
    desk.equipped().gateway.inventory = [machine("web-1", 1), machine("web-2", 2), machine("db-1", 3)]
    return desk


def counts(**states: int) -> FiringCounts:
    found = {RunState(name.replace("_", "-")): count for name, count in states.items()}
    return FiringCounts(PolicyId("p"), DueKey("p@x"), NOW, NOW, found)


def preview(selected: int, left_out: int = 0) -> SelectionPreview:
    return SelectionPreview(
        tuple(SelectedMachine(machine(f"m-{n:03}", n), "its name matches m-*") for n in range(selected)),
        tuple(LeftOutMachine(machine(f"x-{n:03}", n), LeftOutReason.EXCLUDED) for n in range(left_out)),
    )


@pytest.mark.parametrize(
    ("firing", "kind", "count"),
    [
        (counts(), OutcomeKind.NOTHING, 0),
        (counts(succeeded=3), OutcomeKind.SUCCEEDED, 3),
        (counts(succeeded=3, cancelled=1), OutcomeKind.CANCELLED, 1),
        (counts(succeeded=3, cancelled=1, completed_with_gaps=2), OutcomeKind.GAPS, 2),
        (counts(completed_with_gaps=2, failed=1), OutcomeKind.FAILED, 1),
        (counts(failed=1, queued=1, running=2, interrupted=1), OutcomeKind.ACTIVE, 4),
    ],
)
def test_the_worst_of_what_has_ended_tells_how_a_due_time_went(
    firing: FiringCounts, kind: OutcomeKind, count: int
) -> None:
    outcome = outcome_of(firing)
    assert (outcome.kind, outcome.count, outcome.total) == (kind, count, firing.run_count)


@given(total=st.integers(0, 120), rows=st.integers(1, 40), left_out=st.booleans())
def test_the_pages_together_are_the_whole_list_in_its_order(total: int, rows: int, *, left_out: bool) -> None:
    meant = preview(*((0, total) if left_out else (total, 0)))
    wish = MachinesWish(left_out=left_out, rows=rows)
    pages = machines_page(meant, wish).pages
    shown = [machines_page(meant, replace(wish, page=number + 1)) for number in range(pages)]
    names = [each.name for page in shown for each in page.machines]
    of = meant.left_out if left_out else meant.selected
    assert names == [each.machine.name for each in of]
    assert all(before.last + 1 == after.first for before, after in pairwise(shown))


@pytest.mark.parametrize(("page", "shown"), [(-3, 1), (0, 1), (2, 2), (99, 3)])
def test_a_page_that_is_not_there_is_the_nearest_one(page: int, shown: int) -> None:
    found = machines_page(preview(60), MachinesWish(page=page, rows=25))
    assert (found.page, found.pages) == (shown, 3)


def test_machines_are_found_by_words_of_name_and_place() -> None:
    found = machines_page(preview(12), MachinesWish(words="/DC M-01"))
    assert [each.name for each in found.machines] == ["m-010", "m-011"]
    assert (found.matching, found.first, found.last) == (2, 1, 2)
    nothing = machines_page(preview(12), MachinesWish(words="none"))
    assert (nothing.first, nothing.last, nothing.pages) == (0, 0, 1)


@given(
    st.sampled_from(["30 2 * * *", "*/20 1-3 * * *", "0 0 * * sun"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_coming_due_times_are_those_that_the_planner_will_find(cron: str, now: datetime) -> None:
    each = policy(cron=cron, zone="Europe/Paris")
    coming = coming_due_times(each, now, 6)
    assert list(coming) == list(due_between(each, now, coming[-1].at))


def test_a_policy_is_listed_with_how_it_went_last(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    overview = desk.policy_pages.overview
    assert [row.last for row in overview.rows()] == [None]
    desk.clock.current = NOW + timedelta(hours=3)
    desk.due_policies.queue_due()
    ((row),) = overview.rows()
    assert row.last is not None
    assert row.last.states == {RunState.QUEUED: 2}
    runs = overview.runs_of(row.last, 0, 10)
    assert [(run.subject_name, run.kind) for run in runs] == [
        ("web-1", RunKind.BACKUP),
        ("web-2", RunKind.BACKUP),
    ]
    assert overview.firing(row.listed.policy.id, row.last.due_key) == row.last
    with pytest.raises(FiringNotFoundError):
        overview.firing(row.listed.policy.id, DueKey("another"))


def test_a_policy_keeps_its_address_when_its_name_changes(desk: Desk) -> None:
    policy_id = desk.policies.add(NIGHTLY).policy.id
    desk.policies.change("nightly", replace(NIGHTLY, name="each night"))
    assert desk.policy_pages.overview.find(policy_id).policy.name == "each night"
    with pytest.raises(PolicyNotFoundError):
        desk.policy_pages.overview.find(PolicyId("another"))


def test_a_vcenter_that_is_away_is_told_not_raised(desk: Desk) -> None:
    listed = desk.policies.add(NIGHTLY)
    desk.gateway.password = "changed"
    meant = desk.policy_pages.overview.machines(listed.policy)
    assert meant.preview is None
    assert isinstance(meant.failure, LoginRefusedError)


def test_machines_that_no_other_policy_means_are_counted(desk: Desk) -> None:
    listed = desk.policies.add(replace(NIGHTLY, names=("*",)))
    overview = desk.policy_pages.overview
    meant = overview.machines(listed.policy).preview
    assert meant is not None
    assert overview.only_by(listed.policy, meant) == 3
    desk.policies.add(replace(NIGHTLY, name="web"))
    desk.policies.add(replace(NIGHTLY, name="first", names=("web-1",), enabled=False))
    assert overview.only_by(listed.policy, meant) == 1
    desk.gateway.inventory = []
    desk.clock.sleep(3600)
    assert overview.only_by(listed.policy, meant) == 3


def test_all_machines_of_a_policy_are_backed_up_by_hand(desk: Desk) -> None:
    words = replace(NIGHTLY, accepted_disks=("Hard disk 2",), consistency=Consistency.FILESYSTEM)
    listed = desk.policies.add(words)
    first = desk.policy_pages.backups.request(listed.policy)
    assert [(each.run.subject_name, each.joined) for each in first] == [("web-1", False), ("web-2", False)]
    request = from_json(BackupRequest, first[0].run.request)
    assert (request.accepted_disks, request.consistency) == (("Hard disk 2",), Consistency.FILESYSTEM)
    assert [line.text for line in desk.runs.log_of(first[0].run.id)] == [
        "asked for by a person, for all machines of policy nightly"
    ]
    again = desk.policy_pages.backups.request(listed.policy)
    assert [each.joined for each in again] == [True, True]
    assert desk.policy_pages.overview.rows()[0].last is None


def test_a_policy_that_means_nothing_backs_up_nothing_and_says_so(desk: Desk) -> None:
    listed = desk.policies.add(replace(NIGHTLY, names=("none-*",)))
    with pytest.raises(NothingMeantError, match="means no machine today"):
        desk.policy_pages.backups.request(listed.policy)
    assert desk.runs.page(RunFilter()) == []
