from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.recovery_points import Consistency
from appliance.services import (
    NewPolicy,
    PolicyForm,
    RetentionWords,
    Rhythm,
    differences,
    form_of,
    known_zones,
    read_form,
)

FORM = PolicyForm(name="nightly", vcenter="main", names="web-*")

words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8)
several = st.lists(words, max_size=3, unique=True).map(tuple)
policies = st.builds(
    NewPolicy,
    name=words,
    vcenter=words,
    cron=st.sampled_from(["0 2 * * *", "15 * * * *", "5 4 * * sun", "0 1 * * mon-fri", "0 2 1 * *"]),
    zone=st.sampled_from(["UTC", "Europe/Paris", "Asia/Kolkata"]),
    names=st.lists(words, min_size=1, max_size=3, unique=True).map(tuple),
    folders=several.map(lambda found: tuple(f"/{each}x" for each in found)),
    exclude_names=several,
    tags=several.map(lambda found: tuple(f"c/{each}" for each in found)),
    retention=st.builds(RetentionWords, st.integers(1, 99), *(st.integers(0, 99) for _ in range(4))),
    consistency=st.sampled_from(list(Consistency)),
    accepted_disks=several,
    enabled=st.booleans(),
)


@given(policies)
def test_a_form_says_what_its_policy_says(policy: NewPolicy) -> None:
    assert read_form(form_of(policy)).words == policy


@given(policies)
def test_a_form_that_a_browser_has_sent_says_the_same(policy: NewPolicy) -> None:
    form = form_of(policy)
    sent = {name: getattr(form, name).replace("\n", "\r\n") for name in PolicyForm.__slots__}
    assert read_form(PolicyForm.of(sent)).words == policy


@given(policies, policies)
def test_two_versions_differ_exactly_where_a_field_differs(one: NewPolicy, other: NewPolicy) -> None:
    found = differences(one, other)
    assert (found == ()) == (one == other)
    assert all(each.saved != each.wanted for each in found)


@pytest.mark.parametrize(
    ("change", "field", "complaint"),
    [
        ({"name": "  "}, "name", "no name"),
        ({"name": "a\tb"}, "name", "cannot be a policy's name"),
        ({"vcenter": ""}, "vcenter", "no vCenter is chosen"),
        ({"names": " \n "}, "names", "needs a name pattern"),
        ({"folders": "/a/b\nvm/x"}, "folders", "'vm/x' is not an inventory path"),
        ({"tags": "Gold"}, "tags", "is not a tag"),
        ({"at": "25:00"}, "at", "not a time of the day"),
        ({"rhythm": Rhythm.HOURLY, "minute": "x"}, "minute", "not a minute"),
        ({"rhythm": Rhythm.CRON, "cron": "0 0 31 feb *"}, "cron", "never comes"),
        ({"rhythm": Rhythm.CRON, "cron": "30 2 * * 1-5"}, "cron", "programs disagree"),
        ({"rhythm": Rhythm.CRON, "cron": ""}, "cron", "has 0 fields"),
        ({"rhythm": "never"}, "rhythm", "no rhythm"),
        ({"rhythm": Rhythm.WEEKLY, "weekday": "0"}, "weekday", "not a weekday"),
        ({"zone": "Mars/Olympus"}, "zone", "is not a time zone"),
        ({"keep_last": "0"}, "keep_last", "newest point always stays"),
        ({"weekly": "-1"}, "weekly", "not a number of points"),
        ({"yearly": "1" * 7}, "yearly", "not a number of points"),
        ({"consistency": "hope"}, "consistency", "hope"),
    ],
)
def test_what_cannot_be_meant_is_said_at_its_field_alone(
    change: dict[str, str], field: str, complaint: str
) -> None:
    read = read_form(replace(FORM, **change))
    assert read.words is None
    ((problem),) = read.problems
    assert problem.field == field
    assert complaint in problem.message
    assert problem.code == "KL-1010"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    read = read_form(replace(FORM, name="", at="x", zone="y", daily="z"))
    assert [each.field for each in read.problems] == ["name", "at", "zone", "daily"]


def test_empty_numbers_keep_nothing_and_lines_are_taken_once() -> None:
    form = replace(FORM, names=" web-* \n\nweb-*\ndb-1 ", daily="", accepted_disks="Hard disk 2")
    read = read_form(form)
    assert read.words is not None
    assert read.words.names == ("web-*", "db-1")
    assert read.words.retention.daily == 0
    assert read.words.accepted_disks == ("Hard disk 2",)


def test_known_zones_may_all_be_meant() -> None:
    zones = known_zones()
    assert {"UTC", "Europe/Paris"} <= set(zones)
    assert [zone for zone in zones if read_form(replace(FORM, zone=zone)).problems] == []
