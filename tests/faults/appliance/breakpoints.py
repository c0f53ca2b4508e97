"""Moments of a run at which a test can stop it: a call to vCenter or VDDK that does not come back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from keepline_lab import Lab, VddkFault
from keepline_lab.control import CallFault
from tests.waiting import wait_until

_numbers = itertools.count()


class Breakpoint(Protocol):
    """A moment of a run."""

    @contextmanager
    def armed(self, lab: Lab, folder: Path) -> Iterator[Callable[[], None]]:
        """While the context is open, a run stops there; the function returns when one has."""
        yield lambda: None


@dataclass(frozen=True, slots=True)
class VcenterCall:
    """The nth call of a method from now on; it is not carried out."""

    method: str
    nth: int = 1

    @contextmanager
    def armed(self, lab: Lab, folder: Path) -> Iterator[Callable[[], None]]:
        before = lab.control.state().calls.get(self.method, 0)
        lab.control.add_fault(CallFault(self.method, "hang", nth=self.nth))
        wanted = before + self.nth
        yield lambda: wait_until(
            lambda: lab.control.state().calls.get(self.method, 0) >= wanted, f"{self} is reached"
        )
        lab.control.clear_faults()

    def __str__(self) -> str:
        return f"{self.method}-{self.nth}"


@dataclass(frozen=True, slots=True)
class LibraryCall:
    """The nth call of a function of VDDK, in one process."""

    function: str
    nth: int = 1

    @contextmanager
    def armed(self, lab: Lab, folder: Path) -> Iterator[Callable[[], None]]:
        once = folder / f"once-{next(_numbers)}"
        once.touch()
        lab.set_vddk_faults([VddkFault(self.function, "hang:3600000", nth=self.nth, once=once)])
        yield lambda: wait_until(lambda: not once.exists(), f"{self} is reached")
        lab.set_vddk_faults([])

    def __str__(self) -> str:
        return f"{self.function}-{self.nth}"
