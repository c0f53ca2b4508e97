from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.model.documents import to_json
from appliance.model.identifiers import ManagedObjectId, RecoveryPointId, RunId
from appliance.model.recovery_points import Consistency, DiskStatistics
from appliance.model.results import BackupResult, RestoreDiskResult, RestoreMachineResult, VerifyResult
from appliance.model.runs import Run, RunKind, RunState
from appliance.services import RunResult, result_of

POINT = RecoveryPointId("p")
VERIFIED = VerifyResult(1, 2, 3, ())
RESULTS: dict[RunKind, RunResult] = {
    RunKind.BACKUP: BackupResult(POINT, "m", Consistency.CRASH, (), (), DiskStatistics(), 1.5),
    RunKind.RESTORE_DISK: RestoreDiskResult(POINT, "Hard disk 1", "/srv/a.raw", 2, 1),
    RunKind.RESTORE_MACHINE: RestoreMachineResult(
        POINT, ManagedObjectId("vm-1"), "web", (), (), powered_on=True
    ),
    RunKind.VERIFY: VERIFIED,
    RunKind.CHECK_REPOSITORY: VERIFIED,
}


def run_of(kind: RunKind, result: str | None) -> Run:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    return Run(RunId("r"), kind, "m", "web", RunState.SUCCEEDED, moment, "{}", result=result)


@pytest.mark.parametrize("kind", RunKind)
def test_each_kind_of_run_answers_in_its_own_words(kind: RunKind) -> None:
    assert result_of(run_of(kind, to_json(RESULTS[kind]).decode())) == RESULTS[kind]


def test_a_run_without_a_result_has_none() -> None:
    assert result_of(run_of(RunKind.BACKUP, None)) is None
