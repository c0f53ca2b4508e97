"""Following runs to their end, being the engine meanwhile where nobody else is."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.assembly import Appliance
from appliance.cli.display import RunDisplay, display_on
from appliance.cli.engine_thread import EngineThread
from appliance.cli.output import Output
from appliance.cli.signals import stop_flag
from appliance.errors import ApplianceError
from appliance.model.identifiers import RunId
from appliance.model.runs import Run
from appliance.services import RunService
from appliance.state import RequestedRun

POLL_SECONDS = 0.2


def follow_requested(appliance: Appliance, output: Output, requested: Sequence[RequestedRun]) -> list[Run]:
    """Follow what was asked for until all of it has ended; Ctrl-C asks the runs to cancel and waits on."""
    for each in requested:
        if each.joined:
            output.notice(f"{each.run.subject_name}: run {each.run.id} is active already; following that one")
        for difference in each.unmet:
            output.warn(f"{each.run.subject_name}: in run {each.run.id}, {difference}")
    return follow(appliance, output, list(dict.fromkeys(each.run.id for each in requested)))


def follow(appliance: Appliance, output: Output, run_ids: Sequence[RunId]) -> list[Run]:
    """The runs as they ended, in the order of `run_ids`.

    Raises:
        ApplianceError: the engine in this process, or the state database, gave up.
    """
    try:
        return _followed(appliance, output, run_ids)
    except ApplianceError:
        # Nobody could be the engine: what was asked for must not begin by itself some day.
        appliance.runs.cancel_queued(run_ids)
        raise


def _followed(appliance: Appliance, output: Output, run_ids: Sequence[RunId]) -> list[Run]:
    with (
        stop_flag() as stop,
        EngineThread(appliance.engine_lock, appliance.make_engine, run_ids, stop) as engine,
        display_on(output, appliance.clock) as display,
    ):
        watcher = _Watcher(appliance.runs, run_ids, display)
        cancelling = False
        while True:
            engine.keep_running()
            runs = watcher.look()
            if all(run.has_ended for run in runs):
                return runs
            if stop.is_set and not cancelling:
                cancelling = True
                _cancel(appliance.runs, run_ids, output)
            appliance.clock.sleep(POLL_SECONDS)


def _cancel(runs: RunService, run_ids: Sequence[RunId], output: Output) -> None:
    output.notice("stopping: waiting until the runs have cleaned up after themselves")
    runs.cancel_active(run_ids)


class _Watcher:
    """Reads the runs and the new lines of their logs, and shows both."""

    def __init__(self, service: RunService, run_ids: Sequence[RunId], display: RunDisplay) -> None:
        self._service = service
        self._run_ids = run_ids
        self._display = display
        self._seen_lines = dict.fromkeys(run_ids, 0)

    def look(self) -> list[Run]:
        runs = [self._service.find(run_id) for run_id in self._run_ids]
        for run in runs:
            lines = self._service.log_of(run.id, self._seen_lines[run.id])
            self._seen_lines[run.id] += len(lines)
            for line in lines:
                self._display.log(run, line)
        self._display.show(runs)
        return runs
