from __future__ import annotations

import io
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from appliance.cli.display import Pace, display_on, progress_line
from appliance.cli.output import Output, table_lines
from appliance.cli.quantities import count_text
from appliance.clock import ManualClock
from appliance.model.disk_progress import DiskProgress
from appliance.model.identifiers import RunId
from appliance.model.runs import Run, RunKind, RunLogLine, RunProgress, RunState
from appliance.model.units import GIB

CLOCK = ManualClock()
RUN = Run(RunId("r"), RunKind.BACKUP, "m", "web-01", RunState.RUNNING, CLOCK.now(), "{}", phase="read")


def at(done: int, planned: int = 8 * GIB) -> Run:
    return replace(RUN, progress=RunProgress((DiskProgress("Hard disk 1", planned, done),)))


def test_a_line_has_bytes_rate_and_remaining_time() -> None:
    line = progress_line(at(2 * GIB), Pace(10.0, GIB))
    assert line == "web-01: read 25 % (2.0 GiB of 8.0 GiB, 102.4 MiB/s, 1 min 00 s left)"


def test_without_a_pace_nothing_is_promised() -> None:
    assert progress_line(at(0), Pace(0.0, 0)) == "web-01: read 0 % (0 B of 8.0 GiB)"
    assert progress_line(at(0, planned=0), Pace(9.0, 0)) == "web-01: read 0 % (0 B of 0 B)"


def test_where_nobody_looks_on_a_line_comes_every_few_seconds() -> None:
    clock, errors = ManualClock(), io.StringIO()
    with display_on(Output(Console(file=io.StringIO()), Console(file=errors)), clock) as display:
        for second in range(21):
            display.show([at(min(second, 10) * GIB // 10)])
            clock.sleep(1)
    percents = [line.split(" % ")[0].split()[-1] for line in errors.getvalue().splitlines()]
    assert percents == ["6", "12", "12", "12"]


def test_a_run_that_has_ended_or_not_begun_prints_nothing() -> None:
    clock, errors = ManualClock(), io.StringIO()
    with display_on(Output(Console(file=io.StringIO()), Console(file=errors)), clock) as display:
        for _ in range(20):
            display.show([RUN, replace(at(GIB), state=RunState.SUCCEEDED)])
            clock.sleep(1)
    assert errors.getvalue() == ""


def test_on_a_terminal_there_is_a_bar_for_each_disk_and_log_lines_above() -> None:
    errors = io.StringIO()
    console = Console(file=errors, force_terminal=True, width=120, color_system=None)
    with display_on(Output(Console(file=io.StringIO()), console), ManualClock()) as display:
        display.log(RUN, RunLogLine(CLOCK.now(), "tracking is off", warning=True))
        display.show([at(2 * GIB)])
    assert "warning: web-01: tracking is off" in errors.getvalue()
    assert "web-01 / Hard disk 1" in errors.getvalue()
    assert "2.0 GiB of 8.0 GiB" in errors.getvalue()


def test_a_disk_with_nothing_to_read_is_shown_as_done_once_its_run_is() -> None:
    errors = io.StringIO()
    console = Console(file=errors, force_terminal=True, width=120, color_system=None)
    with display_on(Output(Console(file=io.StringIO()), console), ManualClock()) as display:
        display.show([replace(at(0, planned=0), state=RunState.SUCCEEDED)])
    assert "0 B of 0 B" in errors.getvalue()


def test_counts_read_as_people_write_them() -> None:
    assert [count_text(n, "disk") for n in (0, 1, 2)] == ["0 disks", "1 disk", "2 disks"]


@given(st.lists(st.tuples(st.text(alphabet="ab漢 :", max_size=9), st.text(alphabet="xyz", max_size=5))))
def test_a_table_cuts_nothing_and_keeps_its_columns(rows: list[tuple[str, str]]) -> None:
    lines = table_lines(("FIRST", "SECOND"), rows)
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, lines[1:], strict=True):
        assert line.startswith(row[0].rstrip() if not row[1] else row[0])
        assert line.endswith(row[1])
