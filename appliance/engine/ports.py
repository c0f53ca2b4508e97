"""What the engine needs from those who do the work; assembly brings them together."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Protocol

from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunOutcome
from appliance.progress import ProgressSink


class RunHandler(Protocol):
    """Carries out the runs of one kind."""

    def execute(self, run: Run, progress: ProgressSink, cancelled: threading.Event) -> RunOutcome:
        """Do what `run.request` says, in the calling thread, and leave nothing behind in vCenter.

        Called again with a higher `run.attempt` for a run that was interrupted, after `CrashRecovery`
        has cleaned up; what earlier attempts have made durable may be used.

        Raises:
            RunCancelledError: `cancelled` was set, and the run stopped because of it.
            ApplianceError: why the run failed.
        """
        ...


class CrashRecovery(Protocol):
    """Takes away what a dead engine's run has left in vCenter."""

    def recover(self, run: Run, progress: ProgressSink) -> None:
        """Work through the open journal entries of `run` and close them.

        Order: docs/architecture.md, "After a crash". Nothing to do is no error.

        Raises:
            ApplianceError: something is left; its journal entry stays open for the next start.
        """
        ...

    def forget_ended(self, needed: Collection[RunId]) -> None:
        """Remove what runs have kept for a next attempt, except those in `needed`: theirs may come.

        Raises:
            ApplianceError: something stays; the next start tries again.
        """
        ...
