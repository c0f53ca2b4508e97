"""When which machines are due, which points are kept: pure decisions, and the clockwork that asks for them.

Everything but `waker` is pure. Nothing here queues, retires or deletes: services do what is decided here.
"""

from appliance.scheduling.due_times import due_between, instant_of, latest_due, next_due
from appliance.scheduling.planner import Plan, PlannedRun, due_runs, newest_due_times, next_due_moment
from appliance.scheduling.retention import (
    KeptPoint,
    RetainedPoint,
    RetentionPlan,
    RetentionRule,
    plan_retention,
)
from appliance.scheduling.retrying import RetryRule, oldest_failure, retry_moment
from appliance.scheduling.selection import (
    LeftOutMachine,
    LeftOutReason,
    SelectedMachine,
    SelectedMachines,
    TaggedMachine,
    folder_holds,
    policies_by_machine,
    select_machines,
)
from appliance.scheduling.waker import Waker

__all__ = [
    "KeptPoint",
    "LeftOutMachine",
    "LeftOutReason",
    "Plan",
    "PlannedRun",
    "RetainedPoint",
    "RetentionPlan",
    "RetentionRule",
    "RetryRule",
    "SelectedMachine",
    "SelectedMachines",
    "TaggedMachine",
    "Waker",
    "due_between",
    "due_runs",
    "folder_holds",
    "instant_of",
    "latest_due",
    "newest_due_times",
    "next_due",
    "next_due_moment",
    "oldest_failure",
    "plan_retention",
    "policies_by_machine",
    "retry_moment",
    "select_machines",
]
