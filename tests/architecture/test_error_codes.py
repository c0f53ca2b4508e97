"""The tree of errors: codes that mean one thing each, remedies that say something, a page that is true."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from appliance.errors import ApplianceError

GENERATOR = Path(__file__).parents[2] / "docs" / "generate" / "errors.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("error_page", GENERATOR)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def classes(generator: ModuleType) -> list[type[ApplianceError]]:
    found: list[type[ApplianceError]] = generator.error_classes()
    return found


def test_every_class_has_a_code_of_its_own(classes: list[type[ApplianceError]]) -> None:
    counts = Counter(each.code for each in classes)
    shared = {
        code: sorted(f"{each.__module__}.{each.__name__}" for each in classes if each.code == code)
        for code, count in counts.items()
        if count > 1
    }
    assert not shared


def test_codes_have_one_form(classes: list[type[ApplianceError]]) -> None:
    assert [each.code for each in classes if not re.fullmatch(r"KL-[0-7]\d{3}", each.code)] == []


def test_every_class_says_in_whole_sentences_what_to_do(classes: list[type[ApplianceError]]) -> None:
    assert [each.__name__ for each in classes if not re.fullmatch(r"[A-Z`].{9,}[.:]", each.remedy)] == []


def test_no_error_ends_like_a_success_or_like_a_point_with_gaps(
    classes: list[type[ApplianceError]],
) -> None:
    assert [each.__name__ for each in classes if each.exit_status in (0, 10)] == []


def test_the_page_of_errors_is_up_to_date(generator: ModuleType) -> None:
    assert generator.PAGE.read_text() == generator.render(), "run `make generate`"
