from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.model.identifiers import ManagedObjectId, RunId
from appliance.model.runs import Run, RunKind, RunState
from appliance.services import (
    DutyKind,
    EnginePresence,
    Estate,
    EstateMachine,
    Protection,
    SourceFailure,
    VcenterReading,
    duties_of,
)

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
AWAY = SourceFailure("KL-2001", "no route", "look", NOW)
QUEUED = Run(RunId("r"), RunKind.BACKUP, "m", "web", RunState.QUEUED, NOW, "{}")


def a_machine(name: str, protection: Protection) -> EstateMachine:
    moref = ManagedObjectId("vm-1")
    return EstateMachine(name, name, f"/d/vm/{name}", "main", moref, "esx", None, 1, 1, protection)


def kinds_of(estate: Estate, *active: Run, engine_runs: bool = True) -> list[DutyKind]:
    return [duty.kind for duty in duties_of(estate, active, engine_runs=engine_runs)]


def test_a_quiet_night_asks_for_nothing() -> None:
    estate = Estate(machines=(a_machine("web", Protection.PROTECTED), a_machine("old", Protection.GONE)))

    assert kinds_of(estate, QUEUED) == []


@pytest.mark.parametrize(
    ("protection", "kind"),
    [
        (Protection.FAILED, DutyKind.READ_FAILED_RUN),
        (Protection.LATE, DutyKind.LOOK_AT_LATE),
        (Protection.NEVER, DutyKind.PROTECT_MACHINES),
    ],
)
def test_each_worry_is_a_duty_that_names_the_machine(protection: Protection, kind: DutyKind) -> None:
    (duty,) = duties_of(Estate(machines=(a_machine("web", protection),)), (), engine_runs=True)

    assert duty.kind is kind
    assert "web" in duty.title + duty.reason


def test_the_worst_comes_first() -> None:
    estate = Estate(
        machines=(a_machine("a", Protection.NEVER), a_machine("b", Protection.FAILED)),
        vcenters=(VcenterReading("main", NOW, None, failure=AWAY),),
        points_failure=AWAY,
    )

    assert kinds_of(estate, QUEUED, engine_runs=False) == [
        DutyKind.REACH_REPOSITORY,
        DutyKind.REACH_VCENTER,
        DutyKind.START_ENGINE,
        DutyKind.READ_FAILED_RUN,
        DutyKind.PROTECT_MACHINES,
    ]


def test_many_failures_are_told_of_in_one_more_line() -> None:
    machines = tuple(a_machine(f"web-{n}", Protection.FAILED) for n in range(20))
    duties = duties_of(Estate(machines=machines), (), engine_runs=True)

    assert len(duties) == 6
    assert duties[-1].kind is DutyKind.LOOK_AT_FAILED
    assert "15 more machines" in duties[-1].title


def test_a_gap_is_a_duty_of_its_own() -> None:
    whole = a_machine("web", Protection.PROTECTED)

    assert kinds_of(Estate(machines=(replace(whole, has_gaps=True),))) == [DutyKind.LOOK_AT_GAPS]


@pytest.mark.parametrize(("holder", "runs"), [(None, False), (4711, True), (4712, False)])
def test_an_engine_that_crashed_is_not_running(tmp_path: Path, holder: int | None, *, runs: bool) -> None:
    (tmp_path / "4711").mkdir()

    assert EnginePresence(lambda: holder, tmp_path).is_running() is runs
