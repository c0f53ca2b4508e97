"""The engine inside a command: the same engine as the service, for as long as no other process is it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from appliance.cli.signals import StopFlag
from appliance.engine import Engine, EngineLock, EngineRunningError
from appliance.model.identifiers import RunId

WAIT_SECONDS = 0.2


class EngineThread:
    """Sees to it that somebody works on `run_ids`: another process that is the engine, or a thread here."""

    def __init__(
        self, lock: EngineLock, make_engine: Callable[[], Engine], run_ids: Collection[RunId], stop: StopFlag
    ) -> None:
        self._lock = lock
        self._make_engine = make_engine
        self._run_ids = run_ids
        self._stop = stop
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._engine: Engine | None = None
        self._future: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the engine: it brings others' runs that it has begun to their end, unless told to stop."""
        while self._future is not None and not self._future.done():
            if self._engine is not None and (kind is not None or self._stop.is_set):
                self._engine.stop()
            wait([self._future], WAIT_SECONDS)
        self._pool.shutdown()

    @property
    def is_working(self) -> bool:
        """Whether the engine is in this process and at work."""
        return self._future is not None and not self._future.done()

    def keep_running(self) -> None:
        """Become the engine if nobody is.

        Raises:
            ApplianceError: what the engine in this process ended with.
        """
        if self.is_working:
            return
        if self._future is not None and not isinstance(self._future.exception(), EngineRunningError):
            self._future.result()
        self._future = self._pool.submit(self._work)

    def _work(self) -> None:
        with self._lock.held():
            self._engine = self._make_engine()
            self._engine.run_until_ended(self._run_ids)
