"""What a policy says, for people: in lists, in confirmations, and where two versions differ. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.model.policies import Retention, Schedule, Selection
from appliance.model.recovery_points import Consistency
from appliance.services.policy_words import NewPolicy
from appliance.services.schedule_choices import schedule_text

CONSISTENCY_TEXTS = {
    Consistency.CRASH: "As after a power cut: the guest is not asked",
    Consistency.FILESYSTEM: "File systems at rest, where VMware Tools can",
    Consistency.APPLICATION: "Applications at rest, where VMware Tools can",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two versions of a policy say differently."""

    label: str
    saved: str
    wanted: str


def selection_text(selection: Selection) -> str:
    """`names web-*, db-*; folder /Paris/vm/Prod; tag Backup/Gold; but not *-test`."""
    parts = []
    if selection.names == ("*",):
        parts.append("every machine")
    elif selection.names:
        parts.append(_one_or_more("name", selection.names))
    if selection.folders:
        parts.append(_one_or_more("folder", selection.folders))
    if selection.tags:
        parts.append(_one_or_more("tag", tuple(map(str, selection.tags))))
    if selection.exclude_names:
        parts.append(f"but not {', '.join(selection.exclude_names)}")
    return "; ".join(parts)


def when_text(schedule: Schedule) -> str:
    """`every day at 02:00 (Europe/Paris)`."""
    return f"{schedule_text(schedule.cron)} ({schedule.zone})"


def retention_text(retention: Retention) -> str:
    """`last 7, 14 daily, 3 monthly`."""
    counts = {
        "daily": retention.daily,
        "weekly": retention.weekly,
        "monthly": retention.monthly,
        "yearly": retention.yearly,
    }
    return ", ".join([f"last {retention.keep_last}", *(f"{n} {name}" for name, n in counts.items() if n)])


def differences(saved: NewPolicy, wanted: NewPolicy) -> tuple[Difference, ...]:
    """What `wanted` says differently from `saved`, in the order of the form."""
    before, after = _said(saved), _said(wanted)
    return tuple(
        Difference(label, before[label], after[label]) for label in before if before[label] != after[label]
    )


def _said(words: NewPolicy) -> dict[str, str]:
    retention = words.retention
    return {
        "Name": words.name,
        "vCenter": words.vcenter,
        "Machine names": ", ".join(words.names),
        "Folders": ", ".join(words.folders),
        "Tags": ", ".join(words.tags),
        "But not these names": ", ".join(words.exclude_names),
        "Schedule": words.cron,
        "Time zone": words.zone,
        "Keep the last": str(retention.last),
        "Keep daily": str(retention.daily or 0),
        "Keep weekly": str(retention.weekly or 0),
        "Keep monthly": str(retention.monthly or 0),
        "Keep yearly": str(retention.yearly or 0),
        "Consistency": words.consistency,
        "Disks that may be missing": ", ".join(words.accepted_disks),
        "State": "enabled" if words.enabled else "disabled",
    }


def _one_or_more(noun: str, values: tuple[str, ...]) -> str:
    return f"{noun if len(values) == 1 else f'{noun}s'} {', '.join(values)}"
