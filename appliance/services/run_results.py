"""What an ended run answers, as the value of its kind."""

from __future__ import annotations

from appliance.model.documents import from_json
from appliance.model.results import BackupResult, RestoreDiskResult, RestoreMachineResult, VerifyResult
from appliance.model.runs import Run, RunKind

RunResult = BackupResult | RestoreDiskResult | RestoreMachineResult | VerifyResult

_KINDS: dict[RunKind, type[RunResult]] = {
    RunKind.BACKUP: BackupResult,
    RunKind.RESTORE_DISK: RestoreDiskResult,
    RunKind.RESTORE_MACHINE: RestoreMachineResult,
    RunKind.VERIFY: VerifyResult,
    RunKind.CHECK_REPOSITORY: VerifyResult,
}


def result_of(run: Run) -> RunResult | None:
    """The run's result, or None where it has none (yet)."""
    if run.result is None:
        return None
    kind: type[RunResult] = _KINDS[run.kind]
    return from_json(kind, run.result)
