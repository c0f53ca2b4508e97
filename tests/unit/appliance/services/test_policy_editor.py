from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.services import (
    NewPolicy,
    PolicyExistsError,
    PolicyForm,
    PolicyNotFoundError,
    PolicyStaleError,
    Rhythm,
    read_form,
)
from appliance.vsphere.errors import LoginRefusedError
from tests.fakes.services import Desk
from tests.fakes.vcenters import machine

NIGHTLY = NewPolicy("nightly", "main", "30 2 * * *", names=("web-*",))
FORM = PolicyForm(name="nightly", vcenter="main", names="web-*")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Services with a vCenter of three machines, on 1 January 2026 at midnight."""
    desk.equipped().gateway.inventory = [machine("web-1", 1), machine("web-2", 2), machine("db-1", 3)]
    return desk


def words(form: PolicyForm) -> NewPolicy:
    found = read_form(form).words
    assert found is not None
    return found


def test_a_form_shows_what_it_would_mean_before_it_is_kept(desk: Desk) -> None:
    preview = desk.policy_pages.editor.preview(replace(FORM, exclude_names="web-2", zone="Europe/Paris"))
    assert preview.machines is not None
    assert [each.machine.name for each in preview.machines.selected] == ["web-1"]
    assert [each.machine.name for each in preview.machines.left_out] == ["web-2"]
    assert preview.when == "every day at 02:00 (Europe/Paris)"
    assert [due.at for due in preview.due] == [datetime(2026, 1, day, 1, tzinfo=UTC) for day in (1, 2, 3)]
    assert desk.policies.list() == []


def test_a_form_that_is_being_filled_in_is_not_complained_of(desk: Desk) -> None:
    preview = desk.policy_pages.editor.preview(PolicyForm(vcenter="main"))
    assert preview.problems == ()
    assert preview.machines is None
    assert len(preview.due) == 3


def test_a_wrong_field_hides_only_its_own_part_of_the_preview(desk: Desk) -> None:
    wrong_time = desk.policy_pages.editor.preview(replace(FORM, rhythm=Rhythm.CRON, cron="x"))
    assert ([each.field for each in wrong_time.problems], wrong_time.due) == (["cron"], ())
    assert wrong_time.machines is not None
    wrong_tag = desk.policy_pages.editor.preview(replace(FORM, tags="Gold"))
    assert ([each.field for each in wrong_tag.problems], wrong_tag.machines) == (["tags"], None)
    assert len(wrong_tag.due) == 3


def test_what_may_be_mistyped_is_a_warning(desk: Desk) -> None:
    preview = desk.policy_pages.editor.preview(replace(FORM, names="none-*"))
    assert preview.machines is not None
    assert preview.machines.warnings == ("it means no machine today",)


def test_a_vcenter_that_is_away_is_said_and_the_policy_can_be_kept(desk: Desk) -> None:
    desk.gateway.password = "changed"
    preview = desk.policy_pages.editor.preview(FORM)
    assert isinstance(preview.failure, LoginRefusedError)
    assert desk.policy_pages.editor.add(words(FORM)).policy.name == "nightly"


def test_a_policy_is_opened_and_saved_with_other_words(desk: Desk) -> None:
    policy_id = desk.policies.add(NIGHTLY).policy.id
    opened = desk.policy_pages.editor.open(policy_id)
    assert (opened.form.name, opened.form.at) == ("nightly", "02:30")
    changed = words(replace(opened.form, name="late", at="04:00"))
    saved = desk.policy_pages.editor.save(policy_id, opened.digest, changed)
    assert (saved.policy.name, saved.policy.schedule.cron) == ("late", "0 4 * * *")
    assert saved.policy.id == policy_id


def test_what_somebody_else_has_saved_meanwhile_is_not_overwritten(desk: Desk) -> None:
    editor = desk.policy_pages.editor
    policy_id = desk.policies.add(NIGHTLY).policy.id
    opened = editor.open(policy_id)
    desk.policies.disable("nightly")
    mine = words(replace(opened.form, at="04:00"))
    with pytest.raises(PolicyStaleError, match="nightly"):
        editor.save(policy_id, opened.digest, mine)
    assert desk.policies.words_of("nightly") == replace(NIGHTLY, enabled=False, retention=mine.retention)
    told = [(each.label, each.saved, each.wanted) for each in editor.differences(policy_id, mine)]
    assert told == [("Schedule", "30 2 * * *", "0 4 * * *"), ("State", "disabled", "enabled")]

    editor.save(policy_id, editor.open(policy_id).digest, mine)
    assert desk.policies.words_of("nightly") == mine


def test_a_policy_that_was_removed_or_whose_name_is_taken_is_not_saved(desk: Desk) -> None:
    editor = desk.policy_pages.editor
    policy_id = desk.policies.add(NIGHTLY).policy.id
    desk.policies.add(replace(NIGHTLY, name="weekly"))
    opened = editor.open(policy_id)
    with pytest.raises(PolicyExistsError):
        editor.save(policy_id, opened.digest, words(replace(opened.form, name="weekly")))
    desk.policies.remove("nightly")
    with pytest.raises(PolicyNotFoundError):
        editor.save(policy_id, opened.digest, words(opened.form))
