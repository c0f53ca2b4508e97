"""The one way a run gets into the queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.clock import Clock
from appliance.model.documents import to_json
from appliance.model.identifiers import new_run_id
from appliance.model.runs import NOWHERE, Run, RunKind, RunPlace, RunState
from appliance.state import RequestedRun, RunStore

RUN_ID_RANDOM_BYTES = 4


class RunQueue:
    """Queues runs; `random_hex` makes that many random bytes as hexadecimal text."""

    def __init__(self, runs: RunStore, clock: Clock, random_hex: Callable[[int], str]) -> None:
        self._runs = runs
        self._clock = clock
        self._random_hex = random_hex

    def request(
        self, kind: RunKind, subject: str, subject_name: str, request: object, place: RunPlace = NOWHERE
    ) -> RequestedRun:
        """Queue a run, or join the active one; `request` is the value from `appliance.model.requests`.

        `place` is what the run makes busy: it waits while that is full.
        """
        return self._runs.request(self.new_run(kind, subject, subject_name, request, place))

    def repetition_of(self, run: Run, number: int = 0, not_before: datetime | None = None) -> Run:
        """A run that nobody has queued yet, which does what `run` was asked to do; see `Run.retry_number`."""
        now = self._clock.now()
        return Run(
            id=new_run_id(now, self._random_hex(RUN_ID_RANDOM_BYTES)),
            kind=run.kind,
            subject=run.subject,
            subject_name=run.subject_name,
            state=RunState.QUEUED,
            requested_at=now,
            request=run.request,
            place=run.place,
            retry_of=run.id,
            retry_number=number,
            not_before=not_before,
        )

    def new_run(
        self, kind: RunKind, subject: str, subject_name: str, request: object, place: RunPlace = NOWHERE
    ) -> Run:
        """A run that nobody has queued yet, for who queues it together with something else."""
        now = self._clock.now()
        return Run(
            id=new_run_id(now, self._random_hex(RUN_ID_RANDOM_BYTES)),
            kind=kind,
            subject=subject,
            subject_name=subject_name,
            state=RunState.QUEUED,
            requested_at=now,
            request=to_json(request).decode(),
            place=place,
        )
