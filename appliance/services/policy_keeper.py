"""What an engine does by itself, each time it is woken: for the policies, and for runs that failed."""

from __future__ import annotations

import logging
from datetime import datetime

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.documents import from_json
from appliance.model.identifiers import RunId
from appliance.model.requests import BackupRequest
from appliance.model.runs import Run, RunKind, RunState
from appliance.model.virtual_machines import MachineIdentity
from appliance.services.due_policies import DuePolicies
from appliance.services.ended_runs import EndedRunKeeper
from appliance.services.notifier_keeper import NotifierKeeper
from appliance.services.retention import RetentionService
from appliance.state import RunFilter, RunStore

log = logging.getLogger(__name__)

RETENTION_PAUSE_SECONDS = 300.0
"""Retention reads whole inventories: a night full of backups must not read them after each."""
_NEWEST_BACKUPS = RunFilter(
    kinds=frozenset({RunKind.BACKUP}),
    states=frozenset({RunState.SUCCEEDED, RunState.COMPLETED_WITH_GAPS}),
    limit=500,
)


class PolicyKeeper:
    """Queues what is due, and applies retention to machines that were backed up; one thread at a time.

    Nothing that goes wrong here ends the engine: it is logged, and tried again at the next waking.
    """

    def __init__(
        self,
        due: DuePolicies,
        ended_runs: EndedRunKeeper,
        retention: RetentionService,
        notifier: NotifierKeeper,
        runs: RunStore,
        clock: Clock,
    ) -> None:
        self._due = due
        self._ended_runs = ended_runs
        self._retention = retention
        self._notifier = notifier
        self._runs = runs
        self._clock = clock
        self._seen: frozenset[RunId] = frozenset()
        self._waiting: dict[MachineIdentity, None] = {}
        self._retention_tried_at: float | None = None

    def wake(self) -> datetime | None:
        """Do what is to be done now; when to look again at the latest, None without an enabled policy."""
        try:
            self._queue_due()
            self._ended_runs.wake()
            self._notifier.note()  # after both: what was just taken up is neither overdue nor lost
            self._apply_retention()
            return self._due.next_moment()
        except ApplianceError as error:
            log.warning("policies wait", extra={"reason": str(error), "code": error.code})
            return None

    def _queue_due(self) -> None:
        queued = self._due.queue_due()
        for each in queued.runs:
            log.info("run queued by a policy", extra={"run": each.run.id, "joined": each.joined})
        for policy, doubts in queued.idle.items():
            log.warning("a due policy means no machine", extra={"policy": policy, "doubts": list(doubts)})
        for vcenter, error in queued.failures.items():
            log.warning("policies wait for a vCenter", extra={"vcenter": vcenter, "reason": str(error)})

    def _apply_retention(self) -> None:
        backups = self._runs.list(_NEWEST_BACKUPS)
        self._waiting.update(dict.fromkeys(_machine_of(run) for run in backups if run.id not in self._seen))
        self._seen = frozenset(run.id for run in backups)
        if not self._waiting or not self._is_retention_due():
            return
        self._retention_tried_at = self._clock.elapsed_seconds()
        for each in self._retention.apply(list(self._waiting)):
            for point in each.plan.retire:
                log.info("point retired", extra={"point": point.id, "machine": each.machine_name})
            if each.plan.refusal:
                facts = {"machine": each.machine_name, "reason": each.plan.refusal}
                log.warning("retention held back", extra=facts)
        self._waiting.clear()

    def _is_retention_due(self) -> bool:
        tried = self._retention_tried_at
        return tried is None or self._clock.elapsed_seconds() - tried >= RETENTION_PAUSE_SECONDS


def _machine_of(run: Run) -> MachineIdentity:
    return from_json(BackupRequest, run.request).identity
