from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vsphere import matching_paths

PATHS = ("/Paris/datastore/ssd", "/Paris/datastore/old/ssd", "/Paris-2/datastore/ssd", "/Paris/vm/ssd-1")


@pytest.mark.parametrize(
    ("wanted", "within", "found"),
    [
        ("/Paris/datastore/ssd", "", PATHS[:1]),
        ("/Paris/datastore/ssd", "/Paris-2", ()),
        ("ssd", "/Paris-2", PATHS[2:3]),
        ("ssd", "/Paris", PATHS[:2]),
        ("old/ssd", "", PATHS[1:2]),
        ("sd", "", ()),
        ("", "", ()),
        ("/datastore/ssd", "", ()),
    ],
)
def test_a_name_finds_what_ends_with_it_and_a_path_what_it_is(
    wanted: str, within: str, found: tuple[str, ...]
) -> None:
    assert matching_paths(wanted, PATHS, within) == list(found)


def test_a_datacenter_whose_name_begins_with_that_of_another_is_another() -> None:
    """A machine of `/Paris` must never be restored to a datastore of `/Paris-2`."""
    assert matching_paths("only-there", ["/Paris-2/datastore/only-there"], "/Paris") == []


@given(st.lists(st.text("ab/", min_size=1, max_size=6), min_size=1, max_size=4))
def test_every_path_is_found_by_itself_and_by_its_name(words: list[str]) -> None:
    path = "/" + "/".join(words)

    assert matching_paths(path, [path]) == [path]
    name = path.rpartition("/")[2]
    assert matching_paths(name, [path]) == ([path] if name else [])
