"""Write docs/errors.md from the tree of errors: every class, its code, what it means, what to do.

Run by `make generate`; tests/architecture/test_error_codes.py fails while the page is not up to date.
"""
# ruff: noqa: INP001 - a script, not part of a package

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import appliance
from appliance.errors import ApplianceError

PAGE = Path(__file__).parents[1] / "errors.md"

HEAD = """# Errors

<!-- Made by docs/generate/errors.py: change the error classes and run `make generate`. -->

Every error Keepline shows has a code that never changes its meaning. The command line prints
`error: what happened (code)` with the remedy below it, and ends with the exit status; under `--json` the
same is in `{"error": {"code", "message", "remedy", "transient", "exit_status"}}`. *Transient* errors may go
away by trying again.

## Exit statuses

| status | meaning |
|---|---|
| 0 | done |
| 10 | the recovery point exists, but a disk is missing that nobody accepted as missing |
"""

TABLE_HEAD = "| code | meaning | what to do | transient | exit |\n|---|---|---|---|---|\n"

FAMILIES = {
    "KL-0": "Defects",
    "KL-1": "What was asked cannot be done as asked",
    "KL-2": "vCenter",
    "KL-3": "VDDK and the path to ESXi hosts",
    "KL-4": "The repository",
    "KL-5": "Runs",
    "KL-6": "The appliance's own state",
    "KL-7": "The notifier's messages",
}


def import_everything() -> None:
    """Import every module of the product, so that every error class exists."""
    for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)


def error_classes() -> list[type[ApplianceError]]:
    """Every class of the tree, by code; the classes of one code (a mistake) by name."""
    import_everything()
    return sorted(_with_subclasses(ApplianceError), key=lambda each: (each.code, each.__qualname__))


def _with_subclasses(root: type[ApplianceError]) -> Iterator[type[ApplianceError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith("appliance."):
            yield from _with_subclasses(child)


def render() -> str:
    """The page."""
    classes = error_classes()
    parts = [HEAD, *_status_rows(classes)]
    for prefix, title in FAMILIES.items():
        parts.append(f"\n## {prefix}…: {title}\n\n{TABLE_HEAD}")
        parts += [_row(each) for each in classes if each.code.startswith(prefix)]
    return "".join(parts)


def _status_rows(classes: list[type[ApplianceError]]) -> Iterator[str]:
    first: dict[int, type[ApplianceError]] = {}
    for each in sorted(classes, key=lambda each: len(each.__mro__)):
        first.setdefault(each.exit_status, each)
    for status, each in sorted(first.items()):
        yield f"| {status} | {_meaning(each)} |\n"


def _row(error: type[ApplianceError]) -> str:
    transient = "yes" if error.transient else ""
    return (
        f"| {error.code} | {_meaning(error)} | {_cell(error.remedy)} | {transient} | {error.exit_status} |\n"
    )


def _meaning(error: type[ApplianceError]) -> str:
    """The first line of the class's docstring, as the end of a sentence about what happened."""
    line = inspect.cleandoc(error.__doc__ or "").splitlines()[0]
    return _cell(line)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render())
