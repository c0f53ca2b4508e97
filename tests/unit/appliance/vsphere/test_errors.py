from __future__ import annotations

import inspect

import pytest

from appliance.errors import ApplianceError
from appliance.vsphere import errors

CLASSES = sorted(
    (
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ApplianceError) and kind.__module__ == errors.__name__
    ),
    key=lambda kind: kind.code,
)


def test_codes_are_of_this_package_and_unique() -> None:
    codes = [kind.code for kind in CLASSES]
    assert len(codes) == len(set(codes))
    assert all(code.startswith(("KL-20", "KL-22")) for code in codes)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_drawing_of_the_tree_shows_every_class_with_its_code(kind: type[ApplianceError]) -> None:
    drawing = inspect.getdoc(errors) or ""
    line = next(line for line in drawing.splitlines() if f" {kind.__name__} " in f"{line} ")
    assert kind.code in line


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_says_what_to_do(kind: type[ApplianceError]) -> None:
    assert kind.remedy.endswith((".", "?"))
    assert kind.remedy != ApplianceError.remedy
