from __future__ import annotations

import pytest

from appliance.clock import ManualClock
from appliance.errors import VcenterError
from appliance.vsphere.errors import PermissionMissingError, TaskInProgressError, VcenterUnreachableError
from appliance.vsphere.retries import PASSING_ERRORS, PAUSES_SECONDS, with_patience


class Server:
    """Answers after some errors."""

    def __init__(self, *errors: VcenterError) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_what_passes_by_itself_is_waited_for() -> None:
    server = Server(TaskInProgressError("busy"), VcenterUnreachableError("vcenter", "timed out"))
    clock = ManualClock()
    started = clock.elapsed_seconds()
    assert with_patience(clock, server) == "answer"
    assert clock.elapsed_seconds() - started == sum(PAUSES_SECONDS[:2])


def test_patience_has_an_end() -> None:
    server = Server(*[TaskInProgressError(f"busy {n}") for n in range(100)])
    with pytest.raises(TaskInProgressError, match=f"busy {len(PAUSES_SECONDS)}"):
        with_patience(ManualClock(), server)
    assert server.calls == len(PAUSES_SECONDS) + 1


def test_what_does_not_pass_is_raised_at_once() -> None:
    server = Server(PermissionMissingError("no"))
    with pytest.raises(PermissionMissingError):
        with_patience(ManualClock(), server)
    assert server.calls == 1


def test_only_errors_that_call_themselves_transient_are_waited_for() -> None:
    assert all(error.transient for error in PASSING_ERRORS)
