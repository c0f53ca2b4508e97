from __future__ import annotations

import itertools
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepline_lab.errors import LabError
from keepline_lab.extents import (
    GRANULARITY,
    Extent,
    cells_of,
    copy_extents,
    copy_image,
    differing_extents,
    merge_cells,
    read_extents_file,
    write_extents_file,
)

CELL_COUNT = 6
CAPACITY = CELL_COUNT * GRANULARITY - 512

# One entry a cell: None is a hole, 0 stored zeros, else cells of that byte.
images = st.lists(st.none() | st.integers(0, 2), min_size=CELL_COUNT, max_size=CELL_COUNT)


def write_image(path: Path, cells: list[int | None]) -> Path:
    with path.open("wb") as image:
        for number, value in enumerate(cells):
            if value is not None:
                os.pwrite(image.fileno(), bytes([value]) * GRANULARITY, number * GRANULARITY)
        image.truncate(CAPACITY)
    return path


@given(st.sets(st.integers(0, CELL_COUNT - 1)))
def test_merged_cells_cover_exactly_these_cells_and_never_touch_each_other(cells: set[int]) -> None:
    extents = merge_cells(sorted(cells), CAPACITY)

    assert cells_of(extents) == cells
    assert all(left.end < right.offset for left, right in itertools.pairwise(extents))
    assert all(extent.end <= CAPACITY for extent in extents)


@given(images, images)
def test_differing_extents_are_the_cells_whose_bytes_differ(
    before: list[int | None], after: list[int | None]
) -> None:
    with TemporaryDirectory() as folder:
        left, right = write_image(Path(folder) / "a", before), write_image(Path(folder) / "b", after)
        differing = {n for n in range(CELL_COUNT) if (before[n] or 0) != (after[n] or 0)}
        assert cells_of(differing_extents(left, right)) == differing


@given(images, images)
def test_copying_the_differing_extents_makes_the_older_image_the_newer_one(
    before: list[int | None], after: list[int | None]
) -> None:
    with TemporaryDirectory() as folder:
        left, right = write_image(Path(folder) / "a", before), write_image(Path(folder) / "b", after)
        extents = differing_extents(left, right)
        copy_extents(right, Path(folder) / "content", extents)
        copy_extents(Path(folder) / "content", left, extents)
        assert left.read_bytes() == right.read_bytes()


@given(images)
def test_a_copy_has_the_bytes_and_the_length_of_its_source(cells: list[int | None]) -> None:
    with TemporaryDirectory() as folder:
        source = write_image(Path(folder) / "a", cells)
        copy_image(source, Path(folder) / "b")
        assert (Path(folder) / "b").read_bytes() == source.read_bytes()


def test_a_copy_keeps_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    os.truncate(source, 64 << 20)
    copy_image(source, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_blocks * 512 < 1 << 20


def test_images_of_different_length_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12")
    (tmp_path / "b").write_bytes(b"1")
    with pytest.raises(LabError, match=r"has 2 bytes but .* has 1"):
        differing_extents(tmp_path / "a", tmp_path / "b")


def test_extents_survive_their_file(tmp_path: Path) -> None:
    extents = (Extent(0, 512), Extent(65536, 131072))
    write_extents_file(tmp_path / "extents", extents)
    assert read_extents_file(tmp_path / "extents") == extents


def test_extents_may_be_objects_as_vsphere_shows_them(tmp_path: Path) -> None:
    (tmp_path / "extents").write_text('[{"offset": 512, "length": 1024}]')
    assert read_extents_file(tmp_path / "extents") == (Extent(512, 1024),)


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '[{"start": 1}]', '[["a", 2]]'])
def test_what_is_no_list_of_extents_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "extents").write_text(text)
    with pytest.raises(LabError, match="is not a JSON list"):
        read_extents_file(tmp_path / "extents")
