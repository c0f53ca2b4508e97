"""The loop: take up, claim, watch, end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from appliance.clock import Clock
from appliance.engine.ports import RunHandler
from appliance.engine.run_recorder import RunRecorder
from appliance.engine.start import CrashStart
from appliance.engine.worker import RunWorker
from appliance.model.identifiers import RunId
from appliance.model.run_limits import RunLimits
from appliance.model.runs import Run, RunKind, RunState
from appliance.state import RunFilter, RunLogStore, RunStore


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """So many runs at a time; the loop looks around every `poll_seconds` at the latest."""

    runs: RunLimits
    poll_seconds: float = 1.0


class Engine:
    """Carries out queued runs, each in a thread of its own. The caller holds the engine's lock.

    `stop` may be called from any thread or signal handler; everything else from one thread.
    """

    def __init__(
        self,
        runs: RunStore,
        log: RunLogStore,
        handlers: Mapping[RunKind, RunHandler],
        start: CrashStart,
        clock: Clock,
        limits: EngineLimits,
    ) -> None:
        self._runs = runs
        self._log = log
        self._handlers = handlers
        self._start = start
        self._clock = clock
        self._limits = limits
        self._stopping = threading.Event()
        self._resumable: deque[Run] = deque()
        self._active: dict[Future[Run], RunWorker] = {}

    def run_until_idle(self) -> None:
        """Work until nothing is queued and nothing runs."""
        queued = RunFilter(states=frozenset({RunState.QUEUED}), limit=1)
        self._work_until(lambda: not self._runs.list(queued))

    def run_until_ended(self, run_ids: Collection[RunId]) -> None:
        """Work until these runs have ended; what else has begun by then is brought to its end too."""
        self._work_until(lambda: all(self._runs.find(run_id).has_ended for run_id in run_ids))

    def run_until_stopped(self) -> None:
        """Work until `stop` is called."""
        self._work_until(lambda: False)

    def stop(self) -> None:
        """Begin nothing new, end what runs cleanly as interrupted: the next engine takes it up."""
        self._stopping.set()

    def _work_until(self, nothing_left: Callable[[], bool]) -> None:
        self._resumable.extend(self._start.recover())
        with ThreadPoolExecutor(self._limits.runs.total, thread_name_prefix="run") as pool:
            try:
                self._loop(pool, nothing_left)
            finally:
                self._cancel_all()  # leaving by an error: the pool waits until every run is ended cleanly

    def _loop(self, pool: ThreadPoolExecutor, nothing_left: Callable[[], bool]) -> None:
        while True:
            leaving = self._stopping.is_set() or (not self._resumable and nothing_left())
            if not leaving:
                self._fill(pool)
            if leaving and not self._active:
                return
            if self._stopping.is_set():
                self._cancel_all()
            self._wait()

    def _fill(self, pool: ThreadPoolExecutor) -> None:
        while len(self._active) < self._limits.runs.total:
            run = self._next_run()
            if run is None:
                return
            recorder = RunRecorder(run, self._runs, self._log, self._clock)
            worker = RunWorker(run, recorder, self._runs, self._clock, self._start.let_go)
            self._active[pool.submit(worker.execute, self._handlers)] = worker

    def _next_run(self) -> Run | None:
        if self._resumable:
            return self._runs.resume(self._resumable.popleft().id)
        return self._runs.claim_next(self._clock.now(), self._limits.runs)

    def _wait(self) -> None:
        if not self._active:
            self._stopping.wait(self._limits.poll_seconds)
            return
        ended, _ = wait(self._active, self._limits.poll_seconds, FIRST_COMPLETED)
        for future in ended:
            del self._active[future]
            future.result()  # a database that cannot be written ends the engine, not just the run
        for worker in self._active.values():
            worker.save_progress()

    def _cancel_all(self) -> None:
        for worker in self._active.values():
            worker.cancelled.set()
