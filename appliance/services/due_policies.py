"""What is due by the policies: queued now, or simulated for the days to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from appliance.clock import Clock
from appliance.errors import ApplianceError
from appliance.model.policies import DueKey, DueTime, Policy
from appliance.model.requests import BackupRequest
from appliance.model.runs import RunKind, RunLogLine, RunPlace
from appliance.scheduling import Plan, PlannedRun, due_between, due_runs, newest_due_times, next_due_moment
from appliance.services.policy_errors import LongSimulationError
from appliance.services.policy_inventory import Inventories, PolicyInventory
from appliance.services.run_queue import RunQueue
from appliance.state import DueRun, PolicyStore, RequestedRun, RunLogStore

LONGEST_SIMULATION = 5000
"""Due times: a policy by the minute has that many in three and a half days."""


@dataclass(frozen=True, slots=True)
class SimulatedPlan:
    """What the planner will do at a moment, were the inventory to stay as it is."""

    at: datetime
    plan: Plan


@dataclass(frozen=True, slots=True)
class QueuedRuns:
    """What became of what was due: runs, and why vCenters have left some of it due, by their names.

    `idle` are the policies, by name, that were due and mean no machine, with what of their words vCenter
    does not know.
    """

    runs: tuple[RequestedRun, ...]
    failures: Mapping[str, ApplianceError]
    idle: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class DuePolicies:
    """Turns due times into runs."""

    def __init__(
        self,
        policies: PolicyStore,
        inventory: PolicyInventory,
        queue: RunQueue,
        log: RunLogStore,
        clock: Clock,
    ) -> None:
        self._policies = policies
        self._inventory = inventory
        self._queue = queue
        self._log = log
        self._clock = clock

    def queue_due(self) -> QueuedRuns:
        """Queue what is due now: each due time once, whoever asks how often."""
        policies, now = self._policies.list(), self._clock.now()
        settled = self._settled(policies, now)
        due = {each.policy for each in newest_due_times(policies, now) if each.key not in settled}
        if not due:
            return QueuedRuns((), {})
        inventories = self._inventory.of(policy for policy in policies if policy.id in due)
        plan = self._plan(_answered(policies, inventories), settled, inventories, now)
        runs = [self._due_run(planned) for planned in plan.runs]
        requested = self._policies.settle(plan.settled, runs, now)
        self._explain(requested, policies, plan)
        idle = {policy.name: inventories.doubts_about(policy) for policy in _idle(policies, plan)}
        return QueuedRuns(requested, inventories.every_failure, idle)

    def next_moment(self) -> datetime | None:
        """When a policy is due next, or None without an enabled one."""
        return next_due_moment(self._policies.list(), self._clock.now())

    def simulate(self, days: int) -> list[SimulatedPlan]:
        """What the planner will do within so many days from now on, told by the planner itself.

        Raises:
            LongSimulationError: that would be more than anybody reads.
            ApplianceError: a vCenter does not answer, so its machines cannot be told.
        """
        policies, now = self._policies.list(), self._clock.now()
        moments = _moments(policies, now, now + timedelta(days=days))
        inventories = self._inventory.of(policy for policy in policies if policy.enabled)
        for error in inventories.every_failure.values():
            raise error
        return list(self._simulated(policies, inventories, moments))

    def _simulated(
        self, policies: Sequence[Policy], inventories: Inventories, moments: Sequence[datetime]
    ) -> Iterator[SimulatedPlan]:
        settled = set(self._settled(policies, moments[0]))
        for moment in moments:
            plan = self._plan(policies, settled, inventories, moment)
            settled.update(due.key for due in plan.settled)
            if plan.settled:
                yield SimulatedPlan(moment, plan)

    def _plan(
        self,
        policies: Sequence[Policy],
        settled: frozenset[DueKey] | set[DueKey],
        inventories: Inventories,
        now: datetime,
    ) -> Plan:
        return due_runs(policies, settled, inventories.machines, now, self._inventory.own_bios_uuid)

    def _settled(self, policies: Sequence[Policy], now: datetime) -> frozenset[DueKey]:
        return self._policies.settled_among([due.key for due in newest_due_times(policies, now)])

    def _due_run(self, planned: PlannedRun) -> DueRun:
        machine = planned.machine
        request = BackupRequest(
            planned.vcenter,
            machine.moref,
            machine.identity,
            accepted_disks=planned.accepted_disks,
            consistency=planned.consistency,
        )
        place = RunPlace(planned.vcenter, machine.host)
        run = self._queue.new_run(RunKind.BACKUP, machine.identity.key, machine.name, request, place)
        return DueRun(run, tuple(due.key for due in planned.due_times))

    def _explain(self, requested: Sequence[RequestedRun], policies: Sequence[Policy], plan: Plan) -> None:
        """Say in each run's log which policies have asked for it."""
        names = {policy.id: policy.name for policy in policies}
        due_times = {planned.machine.identity.key: planned.due_times for planned in plan.runs}
        for each in requested:
            for due in due_times.get(each.run.subject, ()):
                text = f"asked for by policy {names[due.policy]}, due at {_moment_text(due)}"
                self._log.append(each.run.id, RunLogLine(self._clock.now(), text, warning=False))


def _answered(policies: Iterable[Policy], inventories: Inventories) -> list[Policy]:
    """The policies whose machines can be told; what the others are due for stays due."""
    return [policy for policy in policies if inventories.failure_of(policy) is None]


def _idle(policies: Iterable[Policy], plan: Plan) -> Iterator[Policy]:
    """The policies that were due and for which there is no run."""
    busy = {due.policy for run in plan.runs for due in run.due_times}
    due = {due.policy for due in plan.settled}
    return (policy for policy in policies if policy.id in due - busy)


def _moments(policies: Sequence[Policy], now: datetime, until: datetime) -> list[datetime]:
    """Now, and every moment at which a policy is due until then, in order."""
    moments = {now}
    for policy in policies:
        if policy.enabled:
            coming = due_between(policy, now, until)
            moments.update(due.at for due in islice(coming, LONGEST_SIMULATION + 1))
    if len(moments) > LONGEST_SIMULATION:
        raise LongSimulationError(
            f"there are more than {LONGEST_SIMULATION} due times until {until:%Y-%m-%d}"
        )
    return sorted(moments)


def _moment_text(due: DueTime) -> str:
    return f"{due.local:%Y-%m-%d %H:%M} ({due.at:%Y-%m-%d %H:%M}Z)"
