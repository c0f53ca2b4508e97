"""The shape of the tree: sizes of rooms, what each package offers, what the architecture page names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("appliance", "vddk_bindings", "web")
LARGEST_MODULE = 400
LARGEST_FUNCTION = 50
NEVER_A_PACKAGE = {"utils", "helpers", "common", "core", "misc", "managers"}

MODULES = sorted(path for package in PRODUCT for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_rooms_are_small(path: Path) -> None:
    source = path.read_text()
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    too_long = [
        node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > LARGEST_FUNCTION
    ]

    assert len(source.splitlines()) <= LARGEST_MODULE
    assert not too_long


def test_no_package_is_a_drawer() -> None:
    assert not [path for path in MODULES if NEVER_A_PACKAGE & {path.stem, path.parent.name}]


def test_packaging_is_no_python_package() -> None:
    assert not list((ROOT / "packaging").rglob("__init__.py"))


def test_every_package_is_on_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    packages = {path.parent.name for path in (ROOT / "appliance").glob("*/__init__.py")}
    named = set(re.findall(r"`(?:appliance\.)?(\w+)`", page))

    assert packages <= named


def test_what_a_package_exports_exists() -> None:
    for path in (ROOT / "appliance").rglob("__init__.py"):
        tree = ast.parse(path.read_text())
        exported = [
            ast.literal_eval(node.value)
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for names in exported:
            assert set(names) <= imported, name_of(path)


def test_lock_files_hold_hashes_and_no_address() -> None:
    locks = [*(ROOT / "requirements").glob("*.lock"), *ROOT.glob("web/package-lock.json")]

    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert "--hash=sha256:" in text or '"integrity"' in text, lock.name
