"""On which point a disk builds: never on one that cannot be restored itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.capture.disk_plans import usable_parent
from appliance.repository.layout import segment_key
from appliance.repository.points import find_parent, list_points
from appliance.run_context import RunSession
from tests.fakes.backups import BLOCK_SIZE, DiskChange, back_up, block_of, disk_of, run_id, segments_of
from tests.fakes.movers import ScriptedMovers
from tests.fakes.run_sessions import HeardProgress, run_session

DISK = disk_of(10 * BLOCK_SIZE)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[RunSession]:
    """A run on a repository that holds one point of the disk."""
    with run_session(tmp_path, ScriptedMovers()) as session:
        content = {number: block_of(number + 1) for number in range(6)}
        back_up(session.tools.repository, run_id(1), (DiskChange(DISK, content),))
        yield session


def test_newest_whole_point_is_the_parent(session: RunSession) -> None:
    listing = list_points(session.tools.repository)

    assert usable_parent(session, listing, DISK) == find_parent(listing, DISK)


def test_disk_begins_anew_where_its_parent_lost_a_segment(session: RunSession) -> None:
    repository, listing = session.tools.repository, list_points(session.tools.repository)
    lost = segments_of(repository.store, listing.points[0].point, repository)[-1]
    repository.store.delete(segment_key(lost.id))

    assert usable_parent(session, listing, DISK) is None
    assert isinstance(session.progress, HeardProgress)
    assert [warning for warning in session.progress.warnings if lost.id in warning]


def test_disk_begins_anew_where_its_parent_lost_a_map(session: RunSession) -> None:
    repository, listing = session.tools.repository, list_points(session.tools.repository)
    repository.store.delete(listing.points[0].point.images[0].block_maps[0].object.key)

    assert usable_parent(session, listing, DISK) is None
