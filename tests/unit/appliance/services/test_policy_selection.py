from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.model.documents import from_json
from appliance.model.policies import Tag
from appliance.model.recovery_points import Consistency
from appliance.model.requests import BackupRequest
from appliance.services import NewPolicy, PolicyRefusedError, QueuedRuns, RetentionWords, SelectionWords
from appliance.state import PolicyExistsError, PolicyNotFoundError, VcenterNotFoundError
from appliance.vsphere.errors import LoginRefusedError, TagsUnreadableError
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

NIGHTLY = NewPolicy("nightly", "main", "30 2 * * *", names=("web-*",))
GOLD = NewPolicy("gold", "main", "30 2 * * *", tags=("backup/gold",))
TAG = Tag("backup", "gold")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Services with a vCenter of three machines, of which `db-1` is gold, on 1 January 2026 at midnight."""
    desk.equipped().gateway.inventory = [machine("web-1", 1), machine("web-2", 2), machine("db-1", 3)]
    desk.gateway.tags = {TAG: {machine("db-1", 3).moref}}
    return desk


def move_to(desk: Desk, text: str) -> None:
    desk.clock.current = datetime.fromisoformat(text).replace(tzinfo=UTC)


def names(queued: QueuedRuns) -> list[str]:
    return [each.run.subject_name for each in queued.runs]


def tag(desk: Desk, *numbers: int) -> None:
    desk.gateway.tags = {TAG: {machine("", number).moref for number in numbers}}


def test_a_policy_on_a_tag_protects_a_machine_that_is_tagged_later(desk: Desk) -> None:
    desk.policies.add(GOLD)
    move_to(desk, "2026-01-01T02:30")
    assert names(desk.due_policies.queue_due()) == ["db-1"]
    tag(desk, 3, 1)
    move_to(desk, "2026-01-02T02:30")
    assert sorted(names(desk.due_policies.queue_due())) == ["db-1", "web-1"]
    tag(desk, 1)
    view = desk.policies.view("gold")
    assert view.machines is not None
    assert [each.because for each in view.machines.selected] == ["it has the tag backup/gold"]


def test_no_tagging_service_is_needed_where_no_policy_asks_for_a_tag(desk: Desk) -> None:
    desk.gateway.tags = None
    desk.policies.add(NIGHTLY)
    assert desk.policies.view("nightly").failure is None
    move_to(desk, "2026-01-01T02:30")
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]
    assert desk.gateway.tag_questions == 0


def test_while_tags_cannot_be_read_only_the_policies_that_ask_for_them_wait(desk: Desk) -> None:
    desk.policies.add(GOLD)
    desk.policies.add(NIGHTLY)
    desk.gateway.tags = None
    move_to(desk, "2026-01-01T02:30")
    queued = desk.due_policies.queue_due()
    assert names(queued) == ["web-1", "web-2"]
    assert isinstance(queued.failures["main"], TagsUnreadableError)
    assert queued.idle == {}
    view = desk.policies.view("gold")
    assert view.machines is None
    assert isinstance(view.failure, TagsUnreadableError)
    with pytest.raises(TagsUnreadableError):
        desk.due_policies.simulate(days=1)

    tag(desk, 3)
    move_to(desk, "2026-01-01T04:00")
    assert names(desk.due_policies.queue_due()) == ["db-1"]


def test_retention_retires_nothing_while_tags_cannot_be_read(desk: Desk) -> None:
    desk.policies.add(GOLD)
    desk.gateway.tags = None
    with pytest.raises(TagsUnreadableError):
        desk.retention.apply()


def test_a_tag_or_folder_that_vcenter_does_not_know_is_doubted(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.gateway.folders = {"/DC/vm/Empty"}
    folders = ("/DC/vm/Empty", "/DC/vm/Typo", "/DC/vm")
    desk.policies.add(replace(GOLD, tags=("backup/gold", "backup/gild"), folders=folders))
    assert desk.policies.view("gold").warnings == (
        "vCenter has no tag backup/gild that this account may see",
        "vCenter has no folder /DC/vm/Typo",
    )
    desk.policies.add(replace(GOLD, name="typo", tags=("backup/gild",)))
    doubt = "vCenter has no tag backup/gild that this account may see"
    assert desk.policies.view("typo").warnings == (doubt, "it means no machine today")
    move_to(desk, "2026-01-01T02:30")
    desk.policy_keeper.wake()
    (line,) = [each for each in caplog.records if each.message == "a due policy means no machine"]
    assert (line.policy, line.doubts) == ("typo", [doubt])  # type: ignore[attr-defined]  # of `extra`
    assert [(each.policy.name, each.meant_nothing) for each in desk.policies.list()] == [
        ("gold", False),
        ("typo", True),
    ]


def test_a_preview_means_what_a_policy_would_and_keeps_nothing(desk: Desk) -> None:
    found = desk.policies.preview("main", SelectionWords(("web-*",), tags=("backup/gold", "backup/x")))
    assert [each.machine.name for each in found.selected] == ["db-1", "web-1", "web-2"]
    assert found.warnings == ("vCenter has no tag backup/x that this account may see",)
    nothing = desk.policies.preview("main", SelectionWords(("x",)))
    assert (nothing.selected, nothing.warnings) == ((), ("it means no machine today",))
    assert desk.policies.list() == []


def test_a_preview_is_refused_like_a_policy_and_fails_with_its_vcenter(desk: Desk) -> None:
    with pytest.raises(PolicyRefusedError, match="write category/name"):
        desk.policies.preview("main", SelectionWords(tags=("gold",)))
    with pytest.raises(VcenterNotFoundError):
        desk.policies.preview("other", SelectionWords(("*",)))
    desk.gateway.tags = None
    with pytest.raises(TagsUnreadableError):
        desk.policies.preview("main", SelectionWords(tags=("backup/gold",)))
    desk.gateway.password = "changed"
    with pytest.raises(LoginRefusedError):
        desk.policies.preview("main", SelectionWords(("*",)))


def test_consistency_travels_from_the_policy_to_the_run(desk: Desk) -> None:
    desk.policies.add(replace(GOLD, consistency="application"))
    desk.policies.add(replace(NIGHTLY, names=("*",)))
    move_to(desk, "2026-01-01T02:30")
    wanted = {
        each.run.subject_name: from_json(BackupRequest, each.run.request).consistency
        for each in desk.due_policies.queue_due().runs
    }
    crash = Consistency.CRASH
    assert wanted == {"db-1": Consistency.APPLICATION, "web-1": crash, "web-2": crash}


def test_a_changed_policy_keeps_its_history_and_what_it_has_done(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T02:30")
    (first, _) = desk.due_policies.queue_due().runs
    words = replace(desk.policies.words_of("nightly"), name="daily", retention=RetentionWords(last=30))
    changed = desk.policies.change("nightly", words)
    assert changed.policy.retention.keep_last == 30
    assert changed.remarks == ()
    assert desk.due_policies.queue_due() == QueuedRuns((), {})
    assert first.run.id in desk.policies.view("daily").firings[0].runs
    with pytest.raises(PolicyNotFoundError):
        desk.policies.view("nightly")


def test_a_change_that_cannot_be_meant_changes_nothing(desk: Desk) -> None:
    added = desk.policies.add(NIGHTLY)
    desk.policies.add(GOLD)
    for wrong, error in (
        (replace(NIGHTLY, cron="never"), PolicyRefusedError),
        (replace(NIGHTLY, vcenter="other"), VcenterNotFoundError),
        (replace(NIGHTLY, name="gold"), PolicyExistsError),
    ):
        with pytest.raises(error):
            desk.policies.change("nightly", wrong)
    assert desk.policies.view("nightly").policy == added.policy


def test_a_new_schedule_is_due_from_its_next_due_time_on(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T12:00")
    changed = desk.policies.change("nightly", replace(NIGHTLY, cron="0 4 * * *"))
    assert changed.next_due == datetime(2026, 1, 2, 4, tzinfo=UTC)
    assert desk.due_policies.queue_due() == QueuedRuns((), {})
    move_to(desk, "2026-01-02T04:00")
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]


def test_a_local_time_that_a_new_zone_brings_again_is_due_again(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T02:30")
    for each in desk.due_policies.queue_due().runs:
        desk.runs.cancel(each.run.id)
    changed = desk.policies.change("nightly", replace(NIGHTLY, zone="America/New_York"))
    assert changed.next_due == datetime(2026, 1, 1, 7, 30, tzinfo=UTC)
    move_to(desk, "2026-01-01T07:30")
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]
    assert desk.due_policies.queue_due() == QueuedRuns((), {})


def test_a_policy_that_was_disabled_has_missed_nothing(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    assert desk.policies.disable("nightly").next_due is None
    move_to(desk, "2026-01-03T12:00")
    assert desk.due_policies.queue_due() == QueuedRuns((), {})
    assert desk.policies.enable("nightly").next_due == datetime(2026, 1, 4, 2, 30, tzinfo=UTC)
    assert desk.due_policies.queue_due() == QueuedRuns((), {})
    move_to(desk, "2026-01-04T02:30")
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]


def test_enabling_what_is_enabled_forgets_no_due_time_that_waits(desk: Desk) -> None:
    desk.policies.add(NIGHTLY)
    move_to(desk, "2026-01-01T03:00")
    desk.policies.enable("nightly")
    assert names(desk.due_policies.queue_due()) == ["web-1", "web-2"]
