"""Movers without processes: what they do next is a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.errors import ApplianceError
from appliance.model.disk_tasks import (
    CleanupTask,
    HoldAccessTask,
    TaskDocument,
    TaskMessage,
    TaskReady,
    TaskResult,
)
from appliance.model.identifiers import RunId
from appliance.run_context import StopSignal

Answer = TaskResult | ApplianceError


@dataclass(slots=True)
class ScriptedMovers:
    """Implements `DiskTaskRunner`: answers one after the other; `done` lists what was asked, in order."""

    answers: list[Answer] = field(default_factory=list)
    ready: TaskReady = field(default_factory=TaskReady)
    hold_error: ApplianceError | None = None
    release_error: ApplianceError | None = None
    cleanup_error: ApplianceError | None = None
    done: list[str] = field(default_factory=list)

    def run(
        self, task: TaskDocument, on_message: Callable[[TaskMessage], None], cancelled: StopSignal
    ) -> TaskResult:
        self.done.append(f"run {task.label}")
        on_message(TaskMessage(log=f"working on {task.label}"))
        answer = self.answers.pop(0)
        if isinstance(answer, ApplianceError):
            raise answer
        return answer

    @contextmanager
    def hold_access(self, task: HoldAccessTask, cancelled: StopSignal) -> Iterator[TaskReady]:
        if self.hold_error is not None:
            raise self.hold_error
        self.done.append(f"hold {task.identity}")
        yield self.ready
        self.done.append(f"release {task.identity}")
        if self.release_error is not None:
            raise self.release_error

    def cleanup(self, task: CleanupTask) -> None:
        self.done.append(f"cleanup {task.identity}")
        if self.cleanup_error is not None:
            raise self.cleanup_error


@dataclass(frozen=True, slots=True)
class FolderLocks:
    """Implements `MoverLocks` for movers that never outlive anybody."""

    folder: Path

    def lock_file(self, run: RunId, attempt: int, task: str) -> Path:
        return self.folder / f"{run}.{attempt}.{task}.lock"

    def wait_until_gone(self, run: RunId) -> None:
        """There are none."""
