"""Restores as two steps: a plan that says what will happen, and the start of exactly that plan."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from appliance.model.documents import from_json
from appliance.model.recovery_points import RecoveryPoint
from appliance.model.requests import RestoreDiskRequest, RestoreMachineRequest
from appliance.model.runs import ACTIVE_STATES, Run, RunKind
from appliance.services.console_errors import PlanBlockedError, PlanStaleError
from appliance.services.points import PointService
from appliance.services.restore_checks import DiskOrder, RestoreOrder, disk_checks, machine_checks
from appliance.services.restore_plan import RestorePlan, disk_plan_of, machine_plan_of
from appliance.services.restore_source import RestoreSource, source_of
from appliance.services.restores import RestoreService
from appliance.services.runs import RunService
from appliance.services.vcenters import VcenterService
from appliance.state import RequestedRun, RunFilter

MOST_ACTIVE = 1000


class RestorePlanService:
    """Plans restores and starts planned ones; may be used from any thread."""

    def __init__(
        self, points: PointService, restores: RestoreService, vcenters: VcenterService, runs: RunService
    ) -> None:
        self._points = points
        self._restores = restores
        self._vcenters = vcenters
        self._runs = runs
        self._one_start = threading.Lock()

    def plan(self, order: RestoreOrder) -> RestorePlan:
        """What `order` would do; nothing is changed, a vCenter is only looked at.

        Raises:
            PointNotFoundError: there is no such point.
            DiskNotFoundError: the point has no such disk.
            RepositoryError: the repository cannot be read.
            ConfigurationUnreadableError: the configuration kept with the point is not one of ours.
        """
        listed = self._points.find(order.point)
        if isinstance(order, DiskOrder):
            return disk_plan_of(order, listed, tuple(disk_checks(order, listed.point)))
        source = self.source(listed.point)
        checks = machine_checks(order, listed.point, source, self._vcenters)
        return machine_plan_of(order, listed, source, checks)

    def source(self, point: RecoveryPoint) -> RestoreSource:
        """Where the machine of a point was, and what its cards were on.

        Raises:
            RepositoryError: the repository cannot be read.
            ConfigurationUnreadableError: the configuration kept with the point is not one of ours.
        """
        return source_of(point, self._points.configuration_of(point))

    def start(self, order: RestoreOrder, digest: str) -> RequestedRun:
        """Queue the restore if its plan is still the one with this digest; join it if it is queued already.

        Raises:
            PlanStaleError: the plan is another one now; nothing was queued.
            PlanBlockedError: a check did not pass; nothing was queued.
        """
        with self._one_start:
            twin = next(self._twins(order), None)
            if twin is not None:
                return twin
            plan = self.plan(order)
            if plan.digest != digest:
                raise PlanStaleError("what this restore would do has changed since its plan was shown")
            if not plan.can_start:
                failed = next(check for check in plan.checks if not check.passed)
                raise PlanBlockedError(f"{failed.question}: {failed.failure}")
            return self._queued(order)

    def _queued(self, order: RestoreOrder) -> RequestedRun:
        if isinstance(order, DiskOrder):
            return self._restores.request_disk(
                order.point, order.disk, Path(order.target), order.target_format
            )
        return self._restores.request_machine(order)

    def _twins(self, order: RestoreOrder) -> Iterator[RequestedRun]:
        """Active runs that do the same: a second Enter must not restore twice."""
        kinds = frozenset({RunKind.RESTORE_DISK, RunKind.RESTORE_MACHINE})
        for run in self._runs.page(RunFilter(kinds=kinds, states=ACTIVE_STATES, limit=MOST_ACTIVE)):
            if _is_of(run, order):
                yield RequestedRun(run, joined=True)


def _is_of(run: Run, order: RestoreOrder) -> bool:
    if isinstance(order, DiskOrder):
        if run.kind is not RunKind.RESTORE_DISK:
            return False
        asked = from_json(RestoreDiskRequest, run.request)
        return (asked.point, asked.target) == (order.point, str(Path(order.target).expanduser().absolute()))
    return run.kind is RunKind.RESTORE_MACHINE and from_json(RestoreMachineRequest, run.request) == order
