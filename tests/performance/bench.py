"""`make bench`: ratios of one run on one machine, through the whole stack; kept in build/bench.json.

Rounds of the same steps alternate between Keepline and its peers, so that a busy machine slows all of them.
Both sides read from the page cache. Times of Keepline go from the claim of a run to its end: snapshot, start
of the mover, commit and every fsync are in them. docs/performance.md says more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import disk
from peers import Restic, limit, nbdcopy
from stack import MACHINE, Keepline, KeeplineRun, rows_below, warm, warm_below
from stopwatch import measured
from table import GOALS, MIB, Round, lines_of, ratios_of

from keepline_lab import Disk, Lab, LabError, LibraryBehaviour, Machine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench"
RESULT = ROOT / "build" / "bench.json"
POINTS = 30
PAGES_PER_POINT = 300
CONNECTION_BYTES_PER_SECOND = 125_000_000
WORKERS = 4
FAILURES = (OSError, subprocess.SubprocessError, RuntimeError, LabError, KeyError, ValueError)
"""What may go wrong with one step without ending the others."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=POINTS)
    choice = parser.parse_args()
    days = prepare()
    rounds = [Round() for _ in range(choice.rounds)]
    for number, one in enumerate(rounds, 1):
        part(f"round {number} of {choice.rounds}", one, partial(measure, one, *days))
    points, wire = Round(), Round()
    if choice.points > 1:
        part(
            f"{choice.points} points in a row",
            points,
            partial(measure_points, points, days[0], choice.points),
        )
    part("1 ms, 1 Gbit/s", wire, partial(measure_wire, wire, *days))
    ratios = ratios_of(rounds, points.facts)
    document = {
        **ratios,
        "goals": {name: str(goal) for name, goal in GOALS.items()},
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processors": os.cpu_count(), "platform": platform.platform()},
        "rounds": [asdict(one) for one in rounds],
        "points_in_a_row": asdict(points),
        "one_millisecond_one_gigabit": asdict(wire),
    }
    RESULT.write_text(json.dumps(document, indent=2) + "\n")
    print("\n" + "\n".join(lines_of(ratios, [*rounds], wire.facts)))
    sys.exit(any(one.failures for one in (*rounds, points, wire)))


def prepare() -> tuple[Path, Path]:
    """The two days of the disk, made once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    day_one, day_two = FOLDER / "day1.raw", FOLDER / "day2.raw"
    if not (FOLDER / "ready").exists():
        print("making the disk: a few minutes, once", flush=True)
        disk.make_day_one(day_one, FOLDER / "scratch")
        disk.make_day_two(day_one, day_two, FOLDER / "scratch")
        shutil.rmtree(FOLDER / "scratch", ignore_errors=True)
        (FOLDER / "ready").touch()
    return day_one, day_two


def part(name: str, into: Round, action: Callable[[], None]) -> None:
    """One part of the whole, from a clean folder to a clean folder; its failure does not end the others."""
    print(f"{datetime.now(UTC):%H:%M:%S} {name}", flush=True)
    clean()
    try:
        action()
    except FAILURES as error:
        into.failures.append(f"{name} ended early: {type(error).__name__}: {error}")
        print(into.failures[-1], flush=True)
    finally:
        clean()


def clean() -> None:
    """Remove everything but the two days: gigabytes."""
    for path in FOLDER.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in {"day1.raw", "day2.raw", "ready"}:
            path.unlink()


def measure(one: Round, day_one: Path, day_two: Path) -> None:
    """One round of everything."""
    with laboratory(day_one) as lab:
        keepline, restic = Keepline(FOLDER / "keepline", lab), Restic(FOLDER / "restic")
        image = lab.disk_file(MACHINE)
        warm(day_one, image)
        full = _full(one, keepline, day_one)
        full_stored = keepline.stored()
        _peer(one, "restic_full", lambda: restic.back_up(day_one))
        lab.control.replace(MACHINE, 0, day_two)
        warm(day_two, image)
        restic_stored = restic.stored()
        increment = _timed(one, "increment", keepline.back_up)
        _peer(one, "restic_increment", lambda: restic.back_up(day_two))
        one.facts |= {
            "full_stored": full_stored,
            "increment_read": increment.result["total"]["read"],
            "increment_stored": keepline.stored() - full_stored,
            "restic_full_stored": restic_stored,
            "restic_increment_stored": restic.stored() - restic_stored,
            "mover_peak": max(full.mover_peak, increment.mover_peak),
            "map_bytes": keepline.map_bytes(),
            "map_rows": rows_below(keepline.repository / "maps"),
        }
        _restores(one, keepline, restic, increment.result["point"], day_two)


def _full(one: Round, keepline: Keepline, day_one: Path) -> KeeplineRun:
    """The first backup, between two measurements of the limit."""
    _peer(one, "limit_before", lambda: limit(day_one))
    full = _timed(one, "full", keepline.back_up)
    _peer(one, "limit_after", lambda: limit(day_one))
    limits = [one.steps[name].seconds for name in ("limit_before", "limit_after") if name in one.steps]
    if limits:
        one.facts["limit"] = statistics.mean(limits)
    return full


def _restores(one: Round, keepline: Keepline, restic: Restic, point: str, day_two: Path) -> None:
    target = FOLDER / "target.raw"
    warm_below(keepline.repository)
    _timed(one, "restore", lambda: keepline.restore(point, target))
    compare(day_two, target)
    target.unlink()
    warm(day_two)
    _peer(one, "nbdcopy", lambda: nbdcopy(day_two, target))
    target.unlink(missing_ok=True)
    _peer(one, "nbdcopy_unflushed", lambda: nbdcopy(day_two, target, flush=False))
    target.unlink(missing_ok=True)
    warm_below(restic.repository)
    _peer(one, "restic_restore", lambda: restic.restore(FOLDER / "restic-restored"))


def measure_points(points: Round, day_one: Path, count: int) -> None:
    """A full backup and increments in a row; the first and the last point restored, three times each."""
    with laboratory(day_one) as lab:
        keepline = Keepline(FOLDER / "keepline", lab)
        image = lab.disk_file(MACHINE)
        blocks = disk.blocks_of(image, "/var/database")
        runs = [keepline.back_up()]
        for number in range(1, count):
            for offset, content in disk.page_writes(blocks, PAGES_PER_POINT, seed=number):
                lab.control.write(MACHINE, 0, offset, content)
            runs.append(keepline.back_up())
        target = FOLDER / "target.raw"
        warm_below(keepline.repository)
        for number in range(3):
            for name, run, expected in (("first", runs[0], day_one), ("last", runs[-1], image)):
                restore = partial(keepline.restore, run.result["point"], target)
                _timed(points, f"restore_{name}_{number}", restore)
                if number == 0:
                    compare(expected, target)
                target.unlink()
    increments = [run.seconds for run in runs[1:]]
    third = max(1, len(increments) // 3)
    points.facts |= {f"increment_{number}": seconds for number, seconds in enumerate(increments, 2)}
    points.facts["late_increments_vs_early"] = round(
        statistics.median(increments[:third]) / statistics.median(increments[-third:]), 3
    )
    points.facts["thirtieth_restore_vs_first"] = round(
        _median_of(points, "restore_first") / _median_of(points, "restore_last"), 3
    )


def measure_wire(wire: Round, day_one: Path, day_two: Path) -> None:
    """Full and increment with 1 ms latency and 1 Gbit/s for each connection."""
    behaviour = LibraryBehaviour(
        latency_microseconds={"nbdssl": 1000}, bytes_per_second={"nbdssl": CONNECTION_BYTES_PER_SECOND}
    )
    with laboratory(day_one, behaviour) as lab:
        keepline = Keepline(FOLDER / "keepline", lab)
        for name in ("full", "increment"):
            warm(lab.disk_file(MACHINE))
            run = _timed(wire, name, keepline.back_up)
            rate = run.result["total"]["read"] / run.seconds
            wire.facts |= {
                f"{name}_seconds": run.seconds,
                f"{name}_read_mib_per_second": round(rate / MIB, 1),
                f"{name}_share_of_{WORKERS}_connections": round(
                    rate / CONNECTION_BYTES_PER_SECOND / WORKERS, 3
                ),
            }
            lab.control.replace(MACHINE, 0, day_two)


@contextmanager
def laboratory(image: Path, behaviour: LibraryBehaviour | None = None) -> Iterator[Lab]:
    """A fresh laboratory with one machine of that disk; its folder is gone afterwards."""
    folder = FOLDER / "lab"
    machine = Machine(MACHINE, (Disk(image=image),))
    try:
        with Lab.start(folder, [machine], behaviour=behaviour or LibraryBehaviour()) as lab:
            yield lab
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def compare(expected: Path, restored: Path) -> None:
    """A fast restore that is wrong is worth nothing.

    Raises:
        RuntimeError: the files differ.
    """
    if subprocess.run(["cmp", "-s", str(expected), str(restored)], check=False).returncode:
        raise RuntimeError(f"{restored} differs from {expected}")


def _timed(one: Round, name: str, action: Callable[[], KeeplineRun]) -> KeeplineRun:
    """A run of Keepline: its own seconds, from claim to end."""
    runs: list[KeeplineRun] = []

    def run() -> float:
        runs.append(action())
        return runs[0].seconds

    one.steps[name] = measured(run)
    return runs[0]


def _peer(one: Round, name: str, action: Callable[[], float | None]) -> None:
    """A step of somebody else, whose failure spoils nothing but itself."""
    try:
        one.steps[name] = measured(action)
    except FAILURES as error:
        one.failures.append(f"{name} failed: {error}")
        print(one.failures[-1], flush=True)


def _median_of(points: Round, prefix: str) -> float:
    return statistics.median(step.seconds for name, step in points.steps.items() if name.startswith(prefix))


if __name__ == "__main__":
    main()
