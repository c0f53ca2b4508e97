from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunKind, RunProgress, RunState
from appliance.services import PHASES, PhaseState, overview_of

START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def running(*disks: DiskProgress, phase: str = "read") -> Run:
    return Run(
        id=RunId("r"),
        kind=RunKind.BACKUP,
        subject="m",
        subject_name="web",
        state=RunState.RUNNING,
        requested_at=START,
        request="{}",
        started_at=START,
        phase=phase,
        progress=RunProgress(disks),
    )


@given(st.integers(0, 2**45), st.integers(0, 2**45), st.integers(0, 10**6))
def test_the_share_stays_between_0_and_100_and_is_whole_only_at_the_end(
    planned: int, done: int, seconds: int
) -> None:
    seen = overview_of(running(DiskProgress("a", planned, done)), START + timedelta(seconds=seconds))

    assert 0 <= seen.percent <= 100
    assert (seen.percent == 100) == (planned > 0 and done >= planned)


def test_speed_and_time_left_follow_from_what_was_done() -> None:
    disks = (DiskProgress("a", 1000, 500), DiskProgress("b", 4000, 400))
    seen = overview_of(running(*disks), START + timedelta(seconds=10))

    assert seen.rate == 90.0
    assert [disk.rate for disk in seen.disks] == [50.0, 40.0]
    assert [disk.left for disk in seen.disks] == [timedelta(seconds=10), timedelta(seconds=90)]
    assert seen.left == timedelta(seconds=90)


@pytest.mark.parametrize("seconds", [-5, 0, 2])
def test_nothing_is_said_about_the_future_in_the_first_seconds(seconds: int) -> None:
    seen = overview_of(running(DiskProgress("a", 1000, 500)), START + timedelta(seconds=seconds))

    assert (seen.rate, seen.left) == (None, None)


def test_a_queued_run_has_everything_ahead() -> None:
    queued = replace(running(phase=""), state=RunState.QUEUED, started_at=None)
    seen = overview_of(queued, START)

    assert (seen.lasted, seen.percent) == (None, 0)
    assert {phase.state for phase in seen.phases} == {PhaseState.AHEAD}


def test_a_failed_run_shows_the_phase_it_stopped_in() -> None:
    failed = replace(running(phase="snapshot"), state=RunState.FAILED, ended_at=START)

    assert [phase.state for phase in overview_of(failed, START).phases] == [
        PhaseState.DONE,
        PhaseState.STOPPED,
        PhaseState.AHEAD,
        PhaseState.AHEAD,
        PhaseState.AHEAD,
    ]


def test_a_run_that_succeeded_is_whole_whatever_its_last_report_said() -> None:
    ended = replace(running(DiskProgress("a", 9, 3)), state=RunState.SUCCEEDED, ended_at=START)
    seen = overview_of(ended, START + timedelta(days=1))

    assert seen.percent == 100
    assert seen.lasted == timedelta()
    assert {phase.state for phase in seen.phases} == {PhaseState.DONE}


def test_every_kind_of_run_has_its_phases() -> None:
    assert PHASES.keys() == set(RunKind)
