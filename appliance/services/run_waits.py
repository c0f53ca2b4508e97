"""Why a queued run has not begun yet, in a few words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from appliance.model.run_limits import RunLimits
from appliance.model.runs import Run, RunState


def wait_of(run: Run, running: Sequence[Run], limits: RunLimits, now: datetime) -> str | None:
    """What keeps a queued run from beginning, the most particular reason first.

    `running` are all runs at work. None where the run is not queued, or where nothing keeps it: then it is
    next, or no engine is running.
    """
    if run.state is not RunState.QUEUED:
        return None
    if run.not_before is not None and run.not_before > now:
        return f"a pause until {run.not_before:%H:%M} UTC, before it repeats run {run.retry_of}"
    return _full_place(run, running, limits)


def _full_place(run: Run, running: Sequence[Run], limits: RunLimits) -> str | None:
    vcenter, host = run.place.vcenter, run.place.host
    on_host = sum(each.place == run.place for each in running)
    on_vcenter = sum(each.place.vcenter == vcenter for each in running)
    if host and limits.per_host is not None and on_host >= limits.per_host:
        return f"host {host} is busy with {_runs(on_host)}"
    if vcenter and limits.per_vcenter is not None and on_vcenter >= limits.per_vcenter:
        return f"vCenter {vcenter} is busy with {_runs(on_vcenter)}"
    if len(running) >= limits.total:
        return f"the engine is busy with {_runs(len(running))}"
    return None


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"
