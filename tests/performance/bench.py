"""`make bench`: ratios of one run on one machine, through the whole stack; kept in build/bench.json.

Rounds of the same steps alternate between Keepline and its peers, so that a busy machine slows all of them.
Both sides read from the page cache. Times of Keepline go from the claim of a run to its end: snapshot, start
of the mover, commit and every fsync are in them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

import disk
from pyarrow import parquet
from stack import MACHINE, Keepline, KeeplineRun, Restic, limit, nbdcopy, warm

from keepline_lab import Disk, Lab, LibraryBehaviour, Machine

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench"
RESULT = ROOT / "build" / "bench.json"
MIB = 1 << 20
POINTS = 30
PAGES_PER_POINT = 300
GOALS = {
    "full_vs_limit": 0.80,
    "full_vs_restic": 2.0,
    "increment_vs_restic": 10.0,
    "increment_stored_vs_restic": -0.75,
    "restore_vs_nbdcopy": 0.6,
    "restore_vs_restic": 2.0,
    "mover_peak_rss_mib": -128.0,
    "catalog_bytes_per_row": -45.0,
    "thirtieth_restore_vs_first": 0.9,
}
"""What each ratio must reach; a negative goal is a ceiling."""


@dataclass(slots=True)
class Round:
    """Seconds, bytes and memory of one round."""

    limit: float = 0
    full: float = 0
    restic_full: float = 0
    increment: float = 0
    restic_increment: float = 0
    restore: float = 0
    nbdcopy: float = 0
    restic_restore: float = 0
    increment_stored: int = 0
    restic_increment_stored: int = 0
    full_stored: int = 0
    read_by_increment: int = 0
    mover_peak: int = 0
    map_bytes: int = 0
    map_rows: int = 0
    load: list[float] = field(default_factory=list)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=POINTS)
    choice = parser.parse_args()
    day_one, day_two = prepare()
    rounds = [measure(number, day_one, day_two) for number in range(choice.rounds)]
    many = measure_many_points(day_one, choice.points)
    slow = measure_slow_network(day_one, day_two)
    ratios = ratios_of(rounds) | {"thirtieth_restore_vs_first": many["thirtieth_restore_vs_first"]}
    document = {
        **ratios,
        "goals": GOALS,
        "rounds": [asdict(one) for one in rounds],
        "many_points": many,
        "one_millisecond_one_gigabit": slow,
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform()},
    }
    RESULT.write_text(json.dumps(document, indent=2) + "\n")
    print_table(ratios, rounds, slow)


def prepare() -> tuple[Path, Path]:
    """The two days of the disk, made once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    day_one, day_two = FOLDER / "day1.raw", FOLDER / "day2.raw"
    if not (FOLDER / "ready").exists():
        disk.make_day_one(day_one, FOLDER / "scratch")
        disk.make_day_two(day_one, day_two, FOLDER / "scratch")
        (FOLDER / "ready").touch()
    return day_one, day_two


def laboratory(image: Path, behaviour: LibraryBehaviour | None = None) -> Lab:
    """A fresh laboratory with one machine of that disk."""
    folder = FOLDER / "lab"
    os.system(f"rm -rf {folder}")  # noqa: S605  # gigabytes; a constant path
    return Lab.start(
        folder, [Machine(MACHINE, (Disk(image=image),))], behaviour=behaviour or LibraryBehaviour()
    )


def measure(number: int, day_one: Path, day_two: Path) -> Round:
    """One round of everything."""
    print(f"round {number + 1}", flush=True)
    one = Round(load=list(os.getloadavg()))
    with laboratory(day_one) as lab:
        keepline, restic = Keepline(FOLDER / "keepline", lab), Restic(FOLDER / "restic")
        warm(day_one)
        warm(lab.disk_file(MACHINE))
        one.limit = limit(day_one)
        full = keepline.back_up()
        one.full, one.full_stored = full.seconds, keepline.stored()
        one.restic_full = restic.back_up(day_one)
        lab.control.replace(MACHINE, 0, day_two)
        warm(day_two)
        warm(lab.disk_file(MACHINE))
        stored = restic.stored()
        increment = keepline.back_up()
        one.increment = increment.seconds
        one.increment_stored = keepline.stored() - one.full_stored
        one.read_by_increment = increment.result["total"]["read"]
        one.restic_increment = restic.back_up(day_two)
        one.restic_increment_stored = restic.stored() - stored
        one.restore = keepline.restore(increment.result["point"], FOLDER / "restored.raw").seconds
        compare(day_two, FOLDER / "restored.raw")
        one.nbdcopy = nbdcopy(day_two, FOLDER / "copied.raw")
        one.restic_restore = restic.restore(FOLDER / "restic-restored")
        one.mover_peak = max(peak_of(full), peak_of(increment))
        one.map_bytes, one.map_rows = keepline.map_bytes(), rows_below(keepline.repository / "maps")
    return one


def measure_many_points(day_one: Path, count: int) -> dict[str, object]:
    """A full backup and increments in a row; the first and the last point restored, twice each."""
    print(f"{count} points in a row", flush=True)
    with laboratory(day_one) as lab:
        keepline = Keepline(FOLDER / "keepline", lab)
        image = lab.disk_file(MACHINE)
        blocks = disk.blocks_of(image, "/var/database")
        runs = [keepline.back_up()]
        day = FOLDER / "day.raw"
        for number in range(1, count):
            os.system(f"cp --sparse=always {image} {day}")  # noqa: S605  # constant paths
            disk.touch_pages(day, blocks, PAGES_PER_POINT, seed=number)
            lab.control.replace(MACHINE, 0, day)
            runs.append(keepline.back_up())
        first, last = runs[0].result["point"], runs[-1].result["point"]
        times: dict[str, list[float]] = {first: [], last: []}
        for _ in range(3):
            for point in (first, last):
                times[point].append(keepline.restore(point, FOLDER / "restored.raw").seconds)
        compare(image, FOLDER / "restored.raw")
        day.unlink(missing_ok=True)
    increments = [run.seconds for run in runs[1:]]
    third = max(1, len(increments) // 3)
    early, late = statistics.median(increments[:third]), statistics.median(increments[-third:])
    return {
        "thirtieth_restore_vs_first": statistics.median(times[first]) / statistics.median(times[last]),
        "restore_first_seconds": times[first],
        "restore_last_seconds": times[last],
        "increment_seconds": increments,
        "first_third_vs_last_third": early / late,
    }


def measure_slow_network(day_one: Path, day_two: Path) -> dict[str, float]:
    """Full and increment with 1 ms latency and 1 Gbit/s for each connection."""
    print("1 ms, 1 Gbit/s", flush=True)
    behaviour = LibraryBehaviour(
        latency_microseconds={"nbdssl": 1000}, bytes_per_second={"nbdssl": 125_000_000}
    )
    with laboratory(day_one, behaviour) as lab:
        keepline = Keepline(FOLDER / "keepline", lab)
        full = keepline.back_up()
        lab.control.replace(MACHINE, 0, day_two)
        increment = keepline.back_up()
    return {
        "full_seconds": full.seconds,
        "full_mib_per_second_read": full.result["total"]["read"] / MIB / full.seconds,
        "increment_seconds": increment.seconds,
        "increment_mib_per_second_read": increment.result["total"]["read"] / MIB / increment.seconds,
    }


def peak_of(run: KeeplineRun) -> int:
    """The largest peak of anonymous memory of the run's movers."""
    return max(disk["mover_peak_anonymous_memory"] for disk in run.result["disks"])


def rows_below(folder: Path) -> int:
    """The rows of all block maps."""
    return sum(parquet.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))


def compare(expected: Path, restored: Path) -> None:
    """A fast restore that is wrong is worth nothing."""
    if os.system(f"cmp -s {expected} {restored}"):  # noqa: S605  # constant paths
        raise SystemExit(f"{restored} differs from {expected}")


def ratios_of(rounds: list[Round]) -> dict[str, float]:
    """The medians of the rounds' ratios: larger is faster, but for stored bytes, memory and rows."""

    def median(values: list[float]) -> float:
        return round(statistics.median(values), 3)

    return {
        "full_vs_limit": median([one.limit / one.full for one in rounds]),
        "full_vs_restic": median([one.restic_full / one.full for one in rounds]),
        "increment_vs_restic": median([one.restic_increment / one.increment for one in rounds]),
        "increment_stored_vs_restic": median(
            [one.increment_stored / one.restic_increment_stored for one in rounds]
        ),
        "restore_vs_nbdcopy": median([one.nbdcopy / one.restore for one in rounds]),
        "restore_vs_restic": median([one.restic_restore / one.restore for one in rounds]),
        "mover_peak_rss_mib": median([one.mover_peak / MIB for one in rounds]),
        "catalog_bytes_per_row": median([one.map_bytes / one.map_rows for one in rounds]),
    }


def print_table(ratios: dict[str, float], rounds: list[Round], slow: dict[str, float]) -> None:
    """For people."""
    print(f"\n{'ratio':32} {'measured':>10} {'goal':>10}")
    for name, value in ratios.items():
        goal = GOALS[name]
        reached = value <= -goal if goal < 0 else value >= goal
        sign = "≤" if goal < 0 else "≥"
        print(
            f"{name:32} {value:10.3f} {sign + format(abs(goal), '.2f'):>10} {'' if reached else 'FALLS SHORT'}"
        )
    for name in (
        "limit",
        "full",
        "restic_full",
        "increment",
        "restic_increment",
        "restore",
        "nbdcopy",
        "restic_restore",
    ):
        print(f"{name + ' seconds':32} " + " ".join(f"{getattr(one, name):8.2f}" for one in rounds))
    for name, value in slow.items():
        print(f"{'1 ms, 1 Gbit/s: ' + name:48} {value:8.1f}")


if __name__ == "__main__":
    main()
