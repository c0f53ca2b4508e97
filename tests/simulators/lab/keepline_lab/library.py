"""How the simulated VDDK behaves: `lab.conf`, which lies beside the library and is read by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from keepline_lab.errors import LabError

VERSIONS = ("6.5.4", "6.7.3", "7.0.3", "8.0.3", "9.0.1")
TRANSPORTS = ("nbd", "nbdssl", "hotadd", "san", "file")


@dataclass(frozen=True, slots=True)
class VddkFault:
    """From the `nth` call of `function` on, in each process, `count` calls go wrong.

    `action` is `error:CODE`, `hang:MILLISECONDS`, `kill`, `abort`, `short` or `zeros`; `count` 0 is for ever.
    With `path`, calls on other disks than those that match the pattern do not count. With `once`, only the
    process that can remove that file is hit.
    """

    function: str
    action: str
    nth: int = 1
    count: int = 1
    path: str = ""
    once: Path | None = None

    def line(self) -> str:
        """Return the value of `fault.N` in lab.conf."""
        words = [self.function, f"nth={self.nth}", f"count={self.count}"]
        words += [f"path={self.path}"] if self.path else []
        words += [f"action={self.action}"]
        return " ".join(words + ([f"once={self.once}"] if self.once else []))


@dataclass(frozen=True, slots=True)
class LibraryBehaviour:
    """Which VDDK the laboratory plays; latency and bandwidth are those of one connection, by mode.

    The strict modes end a process that breaks a rule which the real library only documents
    (tests/simulators/vddk/README.md).
    """

    version: str = "8.0.3"
    transports: tuple[str, ...] = ("nbdssl", "nbd")
    strict_threads: bool = True
    strict_loader: bool = True
    strict_libraries: bool = True
    latency_microseconds: Mapping[str, int] = field(default_factory=dict)
    bytes_per_second: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[VddkFault, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what the library does not know."""
        if self.version not in VERSIONS:
            raise LabError(f"there is no simulated VDDK {self.version}, only {', '.join(VERSIONS)}")
        for mode in (*self.transports, *self.latency_microseconds, *self.bytes_per_second):
            if mode not in TRANSPORTS:
                raise LabError(f"there is no transport mode {mode!r}, only {', '.join(TRANSPORTS)}")

    def with_faults(self, faults: Iterable[VddkFault]) -> LibraryBehaviour:
        """Return the same library with these faults and no others."""
        return replace(self, faults=tuple(faults))

    def configuration(self, gate: str) -> str:
        """Return the text of lab.conf; `gate` is where the simulated vCenter answers the library."""
        lines = [
            f"gate={gate}",
            f"version={self.version}",
            f"strict_threads={int(self.strict_threads)}",
            f"strict_loader={int(self.strict_loader)}",
            f"strict_libraries={int(self.strict_libraries)}",
            f"transports={':'.join(self.transports)}",
            *(f"latency_microseconds.{mode}={value}" for mode, value in self.latency_microseconds.items()),
            *(f"bytes_per_second.{mode}={value}" for mode, value in self.bytes_per_second.items()),
            *(f"fault.{number}={fault.line()}" for number, fault in enumerate(self.faults, 1)),
        ]
        return "\n".join(lines) + "\n"
