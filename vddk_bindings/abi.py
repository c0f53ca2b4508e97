"""The table abi.json as typed values: what every exported function takes, gives back and expects."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ABI_FILE: Final = Path(__file__).with_name("abi.json")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `ctype` is written as in ctypes, with VDDK's names for its structures."""

    name: str
    ctype: str


@dataclass(frozen=True, slots=True)
class Function:
    """One exported function.

    `thread` says from where it may be called, `ownership` who frees what it returns, `optional` that older
    libraries lack it, `guide` the section of VMware's programming guide, `binding` what calls it here (None =
    nothing does; it can be called through `Library.entry_points`).
    """

    name: str
    summary: str
    guide: str
    binding: str | None
    result: str | None
    parameters: tuple[Parameter, ...]
    since: str
    optional: bool
    thread: str
    ownership: str
    source: str


def read_table() -> dict[str, Any]:
    """Return abi.json as it is: JSON has no narrower type, hence `Any`."""
    table: dict[str, Any] = json.loads(ABI_FILE.read_text(encoding="utf-8"))
    return table


def read_functions() -> tuple[Function, ...]:
    """Return every function of the table, in the table's order."""
    return tuple(
        Function(
            name=entry["name"],
            summary=entry["summary"],
            guide=entry["guide"],
            binding=entry["binding"],
            result=entry["restype"],
            parameters=tuple(Parameter(one["name"], one["ctype"]) for one in entry["argtypes"]),
            since=entry["since"],
            optional=entry["optional"],
            thread=entry["thread"],
            ownership=entry["ownership"],
            source=entry["source"],
        )
        for entry in read_table()["functions"]
    )


def read_error_names() -> dict[int, str]:
    """Return the vendor's name of each error code."""
    return {number: name for name, number in read_table()["constants"]["errors"].items()}
