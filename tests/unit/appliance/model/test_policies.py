from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.documents import from_json, to_json
from appliance.model.policies import DueTime, Policy, PolicyId, Retention, Schedule, Selection, Tag
from tests.fakes.policies import POLICIES


@given(POLICIES)
def test_a_policy_comes_back_from_its_document_unchanged(policy: Policy) -> None:
    assert from_json(Policy, to_json(policy)) == policy


@given(POLICIES)
def test_a_document_with_a_schedule_that_is_none_is_refused(policy: Policy) -> None:
    text = to_json(policy).replace(policy.schedule.cron.encode(), b"30 2 * * 1-5")
    with pytest.raises(ValueError, match="programs disagree"):
        from_json(Policy, text)


@pytest.mark.parametrize(
    "zone", ["Europe/Atlantis", "", "Europe", "/etc/passwd", "../UTC", "CET-1CEST", "UTC\0"]
)
def test_a_zone_that_nobody_knows_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        Schedule("0 0 * * *", zone)


def test_a_selection_without_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a name pattern, a folder or a tag"):
        Selection(exclude_names=("web-*",))


@pytest.mark.parametrize("folder", ["", "/", "//", "DC/vm"])
def test_a_folder_is_an_inventory_path(folder: str) -> None:
    with pytest.raises(ValueError, match="is not an inventory path"):
        Selection(folders=(folder,))


@pytest.mark.parametrize("names", [{"names": ("",)}, {"names": ("*",), "exclude_names": ("",)}])
def test_an_empty_pattern_is_refused(names: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="matches nothing"):
        Selection(**names)  # type: ignore[arg-type]  # only the two fields of names are in it


@pytest.mark.parametrize("text", ["", "Gold", "/Gold", "Backup/"])
def test_a_tag_has_a_category_and_a_name(text: str) -> None:
    with pytest.raises(ValueError, match="write category/name"):
        Tag.parse(text)


def test_a_tags_name_may_hold_a_slash() -> None:
    assert Tag.parse("Backup/Gold/24x7") == Tag("Backup", "Gold/24x7")
    assert str(Tag("Backup", "Gold/24x7")) == "Backup/Gold/24x7"


@given(st.builds(Tag, st.text(min_size=1), st.text(min_size=1)))
def test_whatever_a_tag_is_called_its_text_means_it_and_nothing_else(tag: Tag) -> None:
    assert Tag.parse(str(tag)) == tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a:b/c:d", Tag("a:b", "c:d")),
        ("a%2fb/c", Tag("a/b", "c")),
        ("a%2Fb%25/c%2fd%25", Tag("a/b%", "c%2fd%25")),
        ("100% safe/yes", Tag("100% safe", "yes")),
        ("a%252fb/c", Tag("a%2fb", "c")),
    ],
)
def test_only_a_slash_and_a_percent_sign_in_the_category_are_written_otherwise(text: str, tag: Tag) -> None:
    assert Tag.parse(text) == tag


def test_retention_keeps_at_least_one_point() -> None:
    with pytest.raises(ValueError, match="newest point always stays"):
        Retention(keep_last=0, daily=7)
    with pytest.raises(ValueError, match="cannot be negative"):
        Retention(monthly=-1)


@pytest.mark.parametrize("name", ["", " a", "a\n", "a\x1b[31m"])
def test_a_policys_name_can_be_read(name: str) -> None:
    schedule, selection = Schedule("0 0 * * *"), Selection(("*",))
    with pytest.raises(ValueError, match="cannot be a policy's name"):
        Policy(
            PolicyId("p"), name, "main", selection, schedule, Retention(), datetime(2026, 1, 1, tzinfo=UTC)
        )


def test_a_due_time_is_named_by_its_local_time_without_an_offset() -> None:
    local = datetime(2026, 10, 25, 2, 30)  # noqa: DTZ001 - a due time's local time has no offset
    assert DueTime(PolicyId("p"), local, datetime(2026, 10, 25, tzinfo=UTC)).key == "p@2026-10-25T02:30"
