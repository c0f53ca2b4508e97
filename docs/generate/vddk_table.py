"""Writes the table of functions in docs/vddk.md from vddk_bindings/abi.json; --check only compares."""
# ruff: noqa: INP001 - a script, not part of a package

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vddk_bindings.abi import Function, read_functions

PAGE: Final = Path(__file__).parents[1] / "vddk.md"
BEGIN: Final = "<!-- generated from vddk_bindings/abi.json by docs/generate/vddk_table.py -->\n"
END: Final = "<!-- end of the generated part -->\n"


def table_lines() -> Iterator[str]:
    """Yield the table, a row for each function."""
    yield "| function | does | thread | who frees | since | guide section | Python |\n"
    yield "|---|---|---|---|---|---|---|\n"
    for function in read_functions():
        yield row_of(function)


def row_of(function: Function) -> str:
    """Return one row; a function that older libraries may lack is marked with a circle."""
    name = function.name.removeprefix("VixDiskLib_") + (" ◦" if function.optional else "")
    python = f"`{function.binding}`" if function.binding else "-"
    owner = "-" if function.ownership in {"none", "no return"} else function.ownership
    cells = (name, function.summary, function.thread, owner, function.since, function.guide, python)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells) + " |\n"


def page_with_table(page: str) -> str:
    """Return `page` with what is between the two marks made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + "".join(table_lines()) + "\n" + END + after


def main(arguments: list[str]) -> int:
    """Write the page, or with --check return 1 if it is out of date."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = page_with_table(page)
    if "--check" in arguments:
        return int(page != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
