"""The list of machines as a person asks for it: filtered, sorted, one page at a time. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from appliance.services.estate import Estate, EstateMachine, Protection

ROWS_CHOICES = (25, 50, 100, 250)
"""250 rows load in half a second; 10,000 took 13 seconds in the browser (measured)."""


@dataclass(frozen=True, slots=True)
class ListWish:
    """What is asked for: words that must all be in name, path or host; `page` counts from 1."""

    words: str = ""
    protection: Protection | None = None
    vcenter: str = ""
    place: str = ""
    page: int = 1
    rows: int = 50


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page; `first` and `last` count from 1, both 0 where nothing matches."""

    machines: tuple[EstateMachine, ...]
    matching: int
    page: int
    pages: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PlaceSummary:
    """One inventory folder and how many of its machines are how safe."""

    place: str
    machines: tuple[EstateMachine, ...]
    counts: dict[Protection, int]

    @property
    def to_fix(self) -> int:
        """Machines that are late, failed or never backed up."""
        return sum(self.counts.get(each, 0) for each in TO_FIX)


TO_FIX = frozenset({Protection.LATE, Protection.NEVER, Protection.FAILED})


def page_of(estate: Estate, wish: ListWish) -> ListPage:
    """The page that is asked for, or the last one where there are fewer."""
    words = wish.words.casefold().split()
    matching = [machine for machine in estate.machines if _matches(machine, wish, words)]
    pages = max(1, -(-len(matching) // wish.rows))
    page = min(max(wish.page, 1), pages)
    start = (page - 1) * wish.rows
    shown = tuple(matching[start : start + wish.rows])
    return ListPage(shown, len(matching), page, pages, start + 1 if shown else 0, start + len(shown))


def places_of(estate: Estate) -> tuple[PlaceSummary, ...]:
    """The machines by inventory folder."""
    found: dict[str, list[EstateMachine]] = {}
    for machine in estate.machines:
        found.setdefault(machine.place, []).append(machine)
    return tuple(
        PlaceSummary(place, tuple(machines), dict(Counter(machine.protection for machine in machines)))
        for place, machines in sorted(found.items())
    )


def _matches(machine: EstateMachine, wish: ListWish, words: list[str]) -> bool:
    if wish.protection is not None and machine.protection is not wish.protection:
        return False
    if wish.vcenter and machine.vcenter != wish.vcenter:
        return False
    if wish.place and machine.place != wish.place:
        return False
    text = f"{machine.name} {machine.path} {machine.host} {machine.key}".casefold()
    return all(word in text for word in words)
