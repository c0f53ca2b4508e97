"""What the engine needs from those who do the work; assembly brings them together."""

from __future__ import annotations

import threading
from typing import Protocol

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
