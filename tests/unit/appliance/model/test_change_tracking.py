from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.change_tracking import ChangeId, CoverageProof

EPOCH = "52 3c ae 91 00 f1 7e 54-9d 22 31 aa 5b 6c 77 80"


@given(st.text(min_size=1).filter(lambda text: "/" not in text), st.integers(0, 10**9))
def test_a_change_id_survives_its_text(epoch: str, sequence: int) -> None:
    assert ChangeId.parse(str(ChangeId(epoch, sequence))) == ChangeId(epoch, sequence)


@pytest.mark.parametrize("text", ["", "*", EPOCH, f"{EPOCH}/", "/17", f"{EPOCH}/x"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a change id"):
        ChangeId.parse(text)


@pytest.mark.parametrize("pages", [(), (50,), (50, 50, 100), (60, 50, 100), (100, 150)])
def test_pages_that_do_not_cover_the_disk_once_are_no_proof(pages: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not cover"):
        CoverageProof(100, pages, f"{EPOCH}/1")


def test_pages_that_end_at_the_capacity_are_a_proof() -> None:
    assert CoverageProof(100, (40, 100), f"{EPOCH}/1").pages == (40, 100)
