"""Showing how runs move on: bars on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from appliance.cli.output import Output
from appliance.clock import Clock
from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import RunId
from appliance.model.quantities import duration_text, size_text
from appliance.model.runs import Run, RunLogLine

PLAIN_LINE_SECONDS = 5.0


class RunDisplay(Protocol):
    """Shows runs while they are followed."""

    def show(self, runs: Sequence[Run]) -> None:
        """All followed runs as they stand now."""
        ...

    def log(self, run: Run, line: RunLogLine) -> None:
        """A new line of a run's log."""
        ...


def display_on(output: Output, clock: Clock) -> AbstractContextManager[RunDisplay]:
    """Bars where standard error is a terminal, plain lines elsewhere."""
    if output.standard_error.is_terminal:
        return _bars_on(output.standard_error, output)
    return _plain_lines_on(output, clock)


class AmountColumn(ProgressColumn):
    """`3.1 of 8.4 GiB`."""

    def render(self, task: Task) -> Text:
        """The bytes done of the bytes planned."""
        planned = "?" if task.total is None else size_text(task.total)
        return Text(f"{size_text(task.completed)} of {planned}")


class RateColumn(ProgressColumn):
    """`212.0 MiB/s`."""

    def render(self, task: Task) -> Text:
        """Bytes a second over the last half minute."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{size_text(speed)}/s")


class BarDisplay:
    """One bar a disk."""

    def __init__(self, progress: Progress, output: Output) -> None:
        self._progress = progress
        self._output = output
        self._bars: dict[tuple[str, str], TaskID] = {}

    def show(self, runs: Sequence[Run]) -> None:
        """See `RunDisplay`."""
        for run in runs:
            for disk in run.progress.disks:
                self._show_disk(run, disk)

    def log(self, run: Run, line: RunLogLine) -> None:
        """See `RunDisplay`."""
        _print_log_line(self._output, run, line)

    def _show_disk(self, run: Run, disk: DiskProgress) -> None:
        key = (run.id, disk.disk)
        if key not in self._bars:
            self._bars[key] = self._progress.add_task(f"{run.subject_name} / {disk.disk}", total=None)
        total = disk.planned if disk.planned or run.has_ended else None  # nothing planned yet, or at all
        self._progress.update(self._bars[key], total=total, completed=disk.done)


@dataclass(frozen=True, slots=True)
class Pace:
    """What was done in how long, to tell rate and remaining time from."""

    seconds: float
    done: int


@dataclass(slots=True)
class _Shown:
    """What has been printed of one run, first seen when `first_done` bytes were done."""

    seen_at: float
    first_done: int
    printed_at: float
    line: str = ""


class PlainDisplay:
    """At most one line a run in `PLAIN_LINE_SECONDS`, and none where nothing has changed."""

    def __init__(self, output: Output, clock: Clock) -> None:
        self._output = output
        self._clock = clock
        self._shown: dict[RunId, _Shown] = {}

    def show(self, runs: Sequence[Run]) -> None:
        """See `RunDisplay`."""
        now = self._clock.elapsed_seconds()
        for run in runs:
            if run.progress.disks and not run.has_ended:
                self._show(run, self._shown.setdefault(run.id, _Shown(now, run.progress.done, now)), now)

    def log(self, run: Run, line: RunLogLine) -> None:
        """See `RunDisplay`."""
        _print_log_line(self._output, run, line)

    def _show(self, run: Run, shown: _Shown, now: float) -> None:
        if now - shown.printed_at < PLAIN_LINE_SECONDS:
            return
        shown.printed_at = now
        line = progress_line(run, Pace(now - shown.seen_at, run.progress.done - shown.first_done))
        if line != shown.line:
            shown.line = line
            self._output.notice(line)


def progress_line(run: Run, pace: Pace) -> str:
    """`web-01: read 37 % (3.1 GiB of 8.4 GiB, 212.0 MiB/s, 26 s left)`."""
    done, planned = run.progress.done, run.progress.planned
    facts = [f"{size_text(done)} of {size_text(planned)}"]
    if pace.done > 0 and pace.seconds > 0:
        rate = pace.done / pace.seconds
        facts.append(f"{size_text(rate)}/s")
        facts.append(f"{duration_text(timedelta(seconds=(planned - done) / rate))} left")
    percent = 100 * done // planned if planned else 0
    return f"{run.subject_name}: {run.phase or 'working'} {percent} % ({', '.join(facts)})"


@contextmanager
def _bars_on(console: Console, output: Output) -> Iterator[RunDisplay]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        AmountColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield BarDisplay(progress, output)


@contextmanager
def _plain_lines_on(output: Output, clock: Clock) -> Iterator[RunDisplay]:
    yield PlainDisplay(output, clock)


def _print_log_line(output: Output, run: Run, line: RunLogLine) -> None:
    say = output.warn if line.warning else output.notice
    say(f"{run.subject_name}: {line.text}")
