"""From measured rounds to ratios, and to a table for people."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from stopwatch import Step

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Goal:
    """What a ratio must reach; larger is better unless it is a ceiling."""

    value: float
    is_ceiling: bool = False

    def is_reached(self, measured: float) -> bool:
        """Whether that is good enough."""
        return measured <= self.value if self.is_ceiling else measured >= self.value

    def __str__(self) -> str:
        """`≥ 2.00` or `≤ 128.00`."""
        return f"{'≤' if self.is_ceiling else '≥'} {self.value:.2f}"


GOALS = {
    "full_vs_limit": Goal(0.80),
    "full_vs_restic": Goal(2.0),
    "increment_vs_restic": Goal(10.0),
    "increment_stored_vs_restic": Goal(0.75, is_ceiling=True),
    "restore_vs_nbdcopy": Goal(0.6),
    "restore_vs_restic": Goal(2.0),
    "mover_peak_rss_mib": Goal(128.0, is_ceiling=True),
    "catalog_bytes_per_row": Goal(45.0, is_ceiling=True),
    "thirtieth_restore_vs_first": Goal(0.9),
    "late_increments_vs_early": Goal(0.9),
}


@dataclass(slots=True)
class Round:
    """What was measured in one round; a step that failed is missing."""

    steps: dict[str, Step] = field(default_factory=dict)
    facts: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def value(self, name: str) -> float:
        """The seconds of a step, or a fact.

        Raises:
            KeyError: it was not measured.
        """
        return self.steps[name].seconds if name in self.steps else self.facts[name]


Ratios = dict[str, float | None]


def ratios_of(rounds: Sequence[Round], many: Mapping[str, float]) -> Ratios:
    """The median over the rounds for each goal; None where nothing was measured."""

    def over(above: str, below: str) -> float | None:
        return _median(rounds, lambda one: one.value(above) / one.value(below))

    return {
        "full_vs_limit": over("limit", "full"),
        "full_vs_restic": over("restic_full", "full"),
        "increment_vs_restic": over("restic_increment", "increment"),
        "increment_stored_vs_restic": over("increment_stored", "restic_increment_stored"),
        "restore_vs_nbdcopy": over("nbdcopy", "restore"),
        "restore_vs_restic": over("restic_restore", "restore"),
        "mover_peak_rss_mib": _median(rounds, lambda one: one.value("mover_peak") / MIB),
        "catalog_bytes_per_row": over("map_bytes", "map_rows"),
        "thirtieth_restore_vs_first": many.get("thirtieth_restore_vs_first"),
        "late_increments_vs_early": many.get("late_increments_vs_early"),
    }


def lines_of(ratios: Ratios, rounds: Sequence[Round], slow: Mapping[str, float]) -> list[str]:
    """The whole report."""
    lines = [f"{'ratio, median of ' + str(len(rounds)) + ' rounds':34} {'measured':>10} {'goal':>10}"]
    for name, goal in GOALS.items():
        lines.append(_line(name, ratios[name], goal))
    lines += ["", "each round: seconds / processor seconds (processors that others used)"]
    for name in dict.fromkeys(name for one in rounds for name in one.steps):
        steps = [one.steps[name] for one in rounds if name in one.steps]
        lines.append(f"{name:22}" + "".join(_cell(step) for step in steps))
    lines += ["", *(f"1 ms, 1 Gbit/s: {name:36} {value:8.2f}" for name, value in slow.items())]
    lines += [failure for one in rounds for failure in one.failures]
    return lines


def _line(name: str, value: float | None, goal: Goal) -> str:
    if value is None:
        return f"{name:34} {'-':>10} {goal!s:>10} NOT MEASURED"
    return f"{name:34} {value:10.3f} {goal!s:>10} {'' if goal.is_reached(value) else 'FALLS SHORT'}"


def _cell(step: Step) -> str:
    return f"{step.seconds:9.2f} /{step.processor_seconds:6.1f} ({step.others:.1f})"


def _median(rounds: Sequence[Round], ratio: Callable[[Round], float]) -> float | None:
    values = []
    for one in rounds:
        try:
            values.append(ratio(one))
        except (KeyError, ZeroDivisionError):
            continue  # one of its steps failed: said in the round's failures
    return round(statistics.median(values), 3) if values else None
