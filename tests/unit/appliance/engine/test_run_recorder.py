from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from appliance.clock import ManualClock
from appliance.engine.run_recorder import RunRecorder
from appliance.model.disk_progress import DiskProgress
from tests.fakes.engine import Workplace


def test_progress_is_written_at_most_once_a_second(workplace: Workplace) -> None:
    run = workplace.leave_running()
    clock = ManualClock()
    recorder = RunRecorder(run, workplace.runs, workplace.log, clock)

    written = []
    for step in range(1, 21):
        recorder.disk(DiskProgress("Hard disk 1", planned=20, done=step))
        recorder.save_when_due()
        written.append(workplace.runs.find(run.id).progress.done)
        clock.sleep(0.25)

    assert written == [1] * 4 + [5] * 4 + [9] * 4 + [13] * 4 + [17] * 4


def test_a_message_is_written_at_once_with_its_time(workplace: Workplace, tmp_path: Path) -> None:
    run = workplace.leave_running()
    moment = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    RunRecorder(run, workplace.runs, workplace.log, ManualClock(moment)).message("note", warning=True)
    (line,) = workplace.log_of(run.id)
    assert (line.at, line.text, line.warning) == (moment, "note", True)
