from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim

from appliance.model.identifiers import InstallationId, RunId
from appliance.model.recovery_points import Consistency
from appliance.vsphere.machine_marks import (
    INSTALLATION_OPTION,
    RUN_OPTION,
    MachineMark,
    RestoreState,
    mark_options,
    read_options,
)
from appliance.vsphere.marks import Mark, SnapshotMark, SnapshotPurpose, read_description

MARKS = st.builds(Mark, st.text(min_size=1).map(InstallationId), st.text(min_size=1).map(RunId))


@given(MARKS, st.sampled_from(SnapshotPurpose), st.sampled_from(Consistency))
def test_a_snapshot_says_again_what_was_written_into_it(
    mark: Mark, purpose: SnapshotPurpose, consistency: Consistency
) -> None:
    written = SnapshotMark(mark, purpose, consistency)
    assert read_description(written.description) == written


def test_a_snapshot_shows_people_whose_it_is() -> None:
    mark = Mark(InstallationId("here"), RunId("20260101T000000Z-00000001"))
    shown = SnapshotMark(mark, SnapshotPurpose.BACKUP, Consistency.CRASH)
    assert shown.name == "Keepline 20260101T000000Z-00000001"
    keepline = json.loads(shown.description)["keepline"]
    assert (keepline["installation"], keepline["run"]) == ("here", "20260101T000000Z-00000001")


@pytest.mark.parametrize(
    "description",
    [
        None,
        "",
        "before the update",
        "{}",
        "[]",
        "null",
        '"keepline"',
        '{"keepline": null}',
        '{"keepline": {"installation": "here"}}',
        '{"keepline": {"installation": 1, "run": "r", "purpose": "backup", "consistency": "crash"}}',
        '{"keepline": {"installation": "i", "run": "r", "purpose": "other", "consistency": "crash"}}',
        "[" * 100_000,
    ],
)
def test_a_snapshot_of_anybody_else_has_no_mark(description: str | None) -> None:
    assert read_description(description) is None


@given(st.text())
def test_no_text_breaks_the_reading_of_marks(description: str) -> None:
    found = read_description(description)
    assert found is None or found.mark.run


@given(MARKS, st.sampled_from(RestoreState))
def test_a_machine_says_again_what_was_written_into_it(mark: Mark, state: RestoreState) -> None:
    assert read_options(mark_options(mark, state)) == MachineMark(mark, state)


def test_a_machine_whose_mark_lost_its_state_counts_as_finished() -> None:
    options = [
        vim.option.OptionValue(key=INSTALLATION_OPTION, value="here"),
        vim.option.OptionValue(key=RUN_OPTION, value="r"),
    ]
    found = read_options(options)
    assert found is not None
    assert found.state is RestoreState.FINISHED


def test_a_machine_of_anybody_else_has_no_mark() -> None:
    options = [
        vim.option.OptionValue(key="keepline.run", value="r"),
        vim.option.OptionValue(key="x", value=1),
    ]
    assert read_options(options) is None
    assert read_options([]) is None
