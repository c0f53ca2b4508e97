from __future__ import annotations

from appliance.cli.run_results import result_lines
from appliance.clock import ManualClock
from appliance.model.documents import to_json
from appliance.model.identifiers import ManagedObjectId, RecoveryPointId, RunId
from appliance.model.results import RestoredDisk, RestoreMachineResult, VerifyResult
from appliance.model.runs import Run, RunKind, RunState
from appliance.model.units import GIB, MIB

POINT = RecoveryPointId("point-001")


def ended(kind: RunKind, result: object | None) -> Run:
    text = None if result is None else to_json(result).decode()
    return Run(RunId("r"), kind, "s", "web-01", RunState.SUCCEEDED, ManualClock().now(), "{}", result=text)


def test_a_new_machine_is_named_with_what_was_proven_of_it() -> None:
    disk = RestoredDisk("Hard disk 1", 8 * GIB, GIB, 50 * MIB, "nbdssl")
    result = RestoreMachineResult(
        POINT, ManagedObjectId("vm-9"), "web-01-new", (disk,), ("no .nvram was there",), powered_on=False
    )
    first, second = result_lines(ended(RunKind.RESTORE_MACHINE, result))
    assert first.startswith("web-01: machine web-01-new (vm-9) made from point point-001, not powered on: ")
    assert first.endswith("1.0 GiB written, 50.0 MiB read back and compared")
    assert second == "web-01: warning: no .nvram was there"


def test_a_verification_says_how_much_it_read() -> None:
    for kind in (RunKind.VERIFY, RunKind.CHECK_REPOSITORY):
        assert result_lines(ended(kind, VerifyResult(1, 2, GIB, ()))) == [
            "web-01: 1 point, 2 disks, 1.0 GiB read: intact"
        ]


def test_a_run_without_a_result_says_how_it_stands() -> None:
    assert result_lines(ended(RunKind.BACKUP, None)) == ["web-01: succeeded"]
