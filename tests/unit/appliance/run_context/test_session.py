from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from appliance.errors import DiskTransportError, RunCancelledError
from appliance.model.disk_tasks import TaskReady
from appliance.model.identifiers import ManagedObjectId
from appliance.run_context import access_identity
from appliance.vsphere import VcenterAddress, VcenterConnection
from tests.fakes.movers import ScriptedMovers
from tests.fakes.run_sessions import RUN, HeardProgress, run_session

MACHINE = ManagedObjectId("vm-1")
IDENTITY = access_identity(RUN)


@dataclass(frozen=True)
class StillConnection:
    """What a session reads from a connection without asking vCenter."""

    address: VcenterAddress
    thumbprint_sha1: str


CONNECTION = cast(
    "VcenterConnection", StillConnection(VcenterAddress("vc.example", "backup", "canary", "AA"), "BB")
)


def test_access_is_journalled_held_and_given_back(tmp_path: Path) -> None:
    movers = ScriptedMovers()
    with run_session(tmp_path, movers) as session:
        with session.held_access(CONNECTION, "vc", MACHINE):
            (entry,) = session.tools.journal.open_entries()
            assert (entry.machine, entry.marker) == (MACHINE, IDENTITY)
            assert movers.done == [f"hold {IDENTITY}"]

        assert session.tools.journal.open_entries() == []
    assert movers.done == [f"hold {IDENTITY}", f"release {IDENTITY}"]


def test_a_refusal_to_hold_is_a_warning(tmp_path: Path) -> None:
    movers = ScriptedMovers(ready=TaskReady("held by another product"))
    with run_session(tmp_path, movers) as session, session.held_access(CONNECTION, "vc", MACHINE):
        assert isinstance(session.progress, HeardProgress)
        assert "held by another product" in session.progress.warnings[0]


def test_a_run_that_was_cancelled_meanwhile_gives_access_back_at_once(tmp_path: Path) -> None:
    movers = ScriptedMovers()
    with run_session(tmp_path, movers) as session:
        session.cancelled.set()
        with pytest.raises(RunCancelledError), session.held_access(CONNECTION, "vc", MACHINE):
            raise AssertionError("nothing begins any more")

        assert session.tools.journal.open_entries() == []
    assert movers.done == [f"hold {IDENTITY}", f"cleanup {IDENTITY}"]


def test_after_a_failure_access_is_ended_by_a_fresh_child(tmp_path: Path) -> None:
    movers = ScriptedMovers()
    with run_session(tmp_path, movers) as session:
        with pytest.raises(DiskTransportError), session.held_access(CONNECTION, "vc", MACHINE):
            raise DiskTransportError("reading failed")

        assert session.tools.journal.open_entries() == []
    assert movers.done == [f"hold {IDENTITY}", f"cleanup {IDENTITY}"]


def test_what_was_done_counts_although_its_holder_died_while_it_gave_access_back(tmp_path: Path) -> None:
    movers = ScriptedMovers(release_error=DiskTransportError("the holder died"))
    with run_session(tmp_path, movers) as session:
        with session.held_access(CONNECTION, "vc", MACHINE):
            pass

        assert session.tools.journal.open_entries() == []
        assert isinstance(session.progress, HeardProgress)
        assert "a second time: the holder died" in session.progress.warnings[0]
    assert movers.done[-1] == f"cleanup {IDENTITY}"


def test_access_that_nobody_could_give_back_is_loud(tmp_path: Path) -> None:
    movers = ScriptedMovers(
        release_error=DiskTransportError("the holder died"), cleanup_error=DiskTransportError("refused")
    )
    with run_session(tmp_path, movers) as session:
        with pytest.raises(DiskTransportError, match="died"), session.held_access(CONNECTION, "vc", MACHINE):
            pass

        assert len(session.tools.journal.open_entries()) == 1


def test_the_identity_fits_what_vddk_takes() -> None:
    assert len(IDENTITY) <= 50


def test_the_password_goes_into_the_access_and_not_into_its_text(tmp_path: Path) -> None:
    with run_session(tmp_path, ScriptedMovers()) as session:
        access = session.access(CONNECTION, MACHINE, None)

    assert access.password == "canary"
    assert "canary" not in repr(access)
    assert "canary" not in repr(CONNECTION.address)


def test_a_cancelled_run_stops_between_its_steps(tmp_path: Path) -> None:
    with run_session(tmp_path, ScriptedMovers()) as session:
        session.stop_if_cancelled()
        session.cancelled.set()
        with pytest.raises(RunCancelledError, match="web"):
            session.stop_if_cancelled()
