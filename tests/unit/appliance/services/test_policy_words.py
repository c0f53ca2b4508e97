from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from appliance.model.policies import Policy, PolicyId, Retention, Tag
from appliance.model.recovery_points import Consistency
from appliance.services import NewPolicy, RetentionWords
from appliance.services.policy_words import policy_of, words_of
from tests.fakes.policies import LONG_AGO, POLICIES

NIGHTLY = NewPolicy("nightly", "main", "30 2 * * *", names=("web-*",))


def policy(new: NewPolicy) -> Policy:
    return policy_of(new, PolicyId("p"), LONG_AGO)


@given(POLICIES)
def test_the_words_of_a_policy_mean_that_policy(made: Policy) -> None:
    assert policy_of(words_of(made), made.id, made.active_since) == made


@pytest.mark.parametrize(
    ("words", "retention"),
    [
        (RetentionWords(), Retention(keep_last=7)),
        (RetentionWords(last=3), Retention(keep_last=3)),
        (RetentionWords(daily=7, yearly=2), Retention(keep_last=1, daily=7, yearly=2)),
    ],
)
def test_any_word_on_retention_replaces_the_plain_number_of_points(
    words: RetentionWords, retention: Retention
) -> None:
    assert policy(replace(NIGHTLY, retention=words)).retention == retention


def test_tags_and_consistency_are_worded_as_text() -> None:
    made = policy(replace(NIGHTLY, tags=("backup/gold",), consistency="filesystem"))
    assert made.selection.tags == (Tag("backup", "gold"),)
    assert made.consistency is Consistency.FILESYSTEM


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (replace(NIGHTLY, tags=("gold",)), "write category/name"),
        (replace(NIGHTLY, consistency="perfect"), "write one of crash, filesystem, application"),
    ],
)
def test_a_tag_or_consistency_that_is_none_is_refused(wrong: NewPolicy, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        policy(wrong)
