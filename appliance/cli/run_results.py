"""Printing how runs ended, and the exit status that says it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from appliance.cli.documents import Document, document_of, run_document
from appliance.cli.output import Output
from appliance.cli.quantities import count_text
from appliance.model.documents import from_json
from appliance.model.quantities import size_text
from appliance.model.results import BackupResult, RestoreDiskResult, RestoreMachineResult, VerifyResult
from appliance.model.runs import Run, RunFailure, RunKind, RunState
from appliance.state import RequestedRun

GAPS_EXIT_STATUS = 10
"""A point exists, but a disk is missing that nobody accepted as missing."""


def exit_status_of(runs: Sequence[Run]) -> int:
    """Of the first run that failed or was cancelled; else whether there are gaps."""
    for run in runs:
        if run.failure is not None:
            return run.failure.exit_status
    gaps = any(run.state is RunState.COMPLETED_WITH_GAPS for run in runs)
    return GAPS_EXIT_STATUS if gaps else 0


def print_run(output: Output, run: Run, *, json: bool) -> int:
    """One run's end, as `{"run": …}`; the exit status."""
    return _print(output, [run], {"run": run_document(run)}, json=json)


def print_runs(output: Output, runs: Sequence[Run], requested: Sequence[RequestedRun], *, json: bool) -> int:
    """Several runs' ends, as `{"runs": […], "joined": [ids]}`; the exit status."""
    joined = sorted({each.run.id for each in requested if each.joined})
    document: Document = {"runs": [run_document(run) for run in runs], "joined": joined}
    return _print(output, runs, document, json=json)


def result_lines(run: Run) -> list[str]:
    """What a run that did not fail has to say for itself, for people."""
    if run.result is None:
        return [f"{run.subject_name}: {run.state}"]
    return [f"{run.subject_name}: {line}" for line in _LINES[run.kind](run.result)]


def _print(output: Output, runs: Sequence[Run], document: Document, *, json: bool) -> int:
    failures = [(run, run.failure) for run in runs if run.failure is not None]
    if json:
        if failures:
            document["error"] = document_of(failures[0][1])
        output.document(document)
        return exit_status_of(runs)
    for run in runs:
        if run.failure is None:
            for line in result_lines(run):
                output.line(line)
    for run, failure in failures:
        print_failure(output, run, failure)
    return exit_status_of(runs)


def print_failure(output: Output, run: Run, failure: RunFailure) -> None:
    """The error a run ended with, as a command's own error is printed."""
    output.failure(f"{run.subject_name}: {failure.message}", failure.code, failure.remedy)


def _backup_lines(text: str) -> list[str]:
    result = from_json(BackupResult, text)
    total = result.total
    disks = count_text(len(result.disks), "disk")
    summary = (
        f"recovery point {result.point} ({result.consistency}-consistent), {disks}: "
        f"read {size_text(total.read)}, stored {size_text(total.stored)}, "
        f"deduplicated {size_text(total.deduplicated)}, zero {size_text(total.zero)}, "
        f"unchanged {size_text(total.unchanged)}"
    )
    lines = [summary]
    lines += [
        f"NOT in the point: {gap.label} ({gap.reason})" + (", accepted" if gap.accepted else "")
        for gap in result.gaps
    ]
    lines += [f"change tracking had lied: point {point} is suspect" for point in result.suspect_points]
    return lines


def _restored_disk_lines(text: str) -> list[str]:
    result = from_json(RestoreDiskResult, text)
    return [f"{result.disk} of point {result.point} is in {result.target} ({size_text(result.capacity)})"]


def _restored_machine_lines(text: str) -> list[str]:
    result = from_json(RestoreMachineResult, text)
    power = "powered on" if result.powered_on else "not powered on"
    written = sum(disk.written for disk in result.disks)
    read_back = sum(disk.read_back for disk in result.disks)
    summary = (
        f"machine {result.name} ({result.machine}) made from point {result.point}, {power}: "
        f"{size_text(written)} written, {size_text(read_back)} read back and compared"
    )
    return [summary, *(f"warning: {warning}" for warning in result.warnings)]


def _verified_lines(text: str) -> list[str]:
    """Of a run that found nothing wrong: one that finds damage fails, and its error names it."""
    result = from_json(VerifyResult, text)
    looked_at = f"{count_text(result.points, 'point')}, {count_text(result.disks, 'disk')}"
    return [f"{looked_at}, {size_text(result.read)} read: intact"]


_LINES: dict[RunKind, Callable[[str], list[str]]] = {
    RunKind.BACKUP: _backup_lines,
    RunKind.RESTORE_DISK: _restored_disk_lines,
    RunKind.RESTORE_MACHINE: _restored_machine_lines,
    RunKind.VERIFY: _verified_lines,
    RunKind.CHECK_REPOSITORY: _verified_lines,
}
