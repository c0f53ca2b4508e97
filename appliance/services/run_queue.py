"""The one way a run gets into the queue."""

from __future__ import annotations

from collections.abc import Callable

from appliance.clock import Clock
from appliance.model.documents import to_json
from appliance.model.identifiers import new_run_id
from appliance.model.runs import Run, RunKind, RunState
from appliance.state import RequestedRun, RunStore

RUN_ID_RANDOM_BYTES = 4


class RunQueue:
    """Queues runs; `random_hex` makes that many random bytes as hexadecimal text."""

    def __init__(self, runs: RunStore, clock: Clock, random_hex: Callable[[int], str]) -> None:
        self._runs = runs
        self._clock = clock
        self._random_hex = random_hex

    def request(self, kind: RunKind, subject: str, subject_name: str, request: object) -> RequestedRun:
        """Queue a run, or join the active one; `request` is the value from `appliance.model.requests`."""
        now = self._clock.now()
        run = Run(
            id=new_run_id(now, self._random_hex(RUN_ID_RANDOM_BYTES)),
            kind=kind,
            subject=subject,
            subject_name=subject_name,
            state=RunState.QUEUED,
            requested_at=now,
            request=to_json(request).decode(),
        )
        return self._runs.request(run)
