from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere import (
    Quiesce,
    VcenterConnection,
    ensure_tracking,
    find_machine,
    history_since,
    snapshot_of,
)
from keepline_lab import Disk, Lab, Machine
from keepline_lab.control import CallFault
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import MARK, MIB, connected


@pytest.fixture
def lab(laboratory: StartLab) -> Lab:
    return laboratory(
        Machine("web-01", (Disk(size=MIB), Disk(size=MIB))), Machine("web-02", (Disk(size=MIB),))
    )


@pytest.fixture
def connection(lab: Lab) -> Iterator[VcenterConnection]:
    with connected(lab) as connection:
        yield connection


@pytest.fixture
def web(connection: VcenterConnection) -> VirtualMachine:
    return find_machine(connection, "web-01")


def parent_moment(connection: VcenterConnection, machine: VirtualMachine) -> datetime:
    """When the parent recovery point's snapshot was taken, in vCenter's time."""
    ensure_tracking(connection, machine, MARK)
    with snapshot_of(connection, machine, MARK, quiesce=Quiesce()) as facts:
        return facts.created_at


def test_the_daily_life_of_a_machine_and_our_own_work_leave_tracking_believable(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    since = parent_moment(connection, web)
    lab.control.write_random("web-01", 0, 0, 4096)
    lab.control.set_power("web-01", "off")
    lab.control.set_power("web-01", "on")
    lab.control.create_snapshot("web-01", "before the update")
    lab.control.remove_snapshot("web-01")
    lab.control.post_event("VmRenamedEvent", machine="web-01", message="moved")
    history = history_since(connection, web, since)
    assert (history.complete, history.disturbances, history.gap) == (True, (), "")


def test_a_revert_is_told_and_only_about_its_own_machine(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    since = parent_moment(connection, web)
    lab.control.create_snapshot("web-01", "before the update")
    lab.control.revert("web-01")
    history = history_since(connection, web, since)
    assert history.complete
    assert any("reverted" in words for words in history.disturbances)
    other = history_since(connection, find_machine(connection, "web-02"), since)
    assert (other.complete, other.disturbances) == (True, ())


def test_what_happened_before_the_parent_does_not_matter(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.create_snapshot("web-01", "before the update")
    lab.control.revert("web-01")
    lab.control.remove_snapshot("web-01")
    since = parent_moment(connection, web)
    assert history_since(connection, web, since).disturbances == ()


def test_a_swapped_disk_is_told(lab: Lab, connection: VcenterConnection, web: VirtualMachine) -> None:
    since = parent_moment(connection, web)
    lab.control.swap_disk("web-01", 1, size=MIB)
    assert history_since(connection, web, since).disturbances != ()


def test_silence_proves_nothing_where_the_log_does_not_reach_back(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    history = history_since(connection, web, datetime.now(UTC) - timedelta(days=400))
    assert not history.complete
    assert "does not reach back" in history.gap


def test_silence_proves_nothing_while_vcenter_did_not_see_the_machine(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    since = parent_moment(connection, web)
    lab.control.post_event("VmDisconnectedEvent", machine="web-01", message="lost")
    history = history_since(connection, web, since)
    assert not history.complete
    assert "lost the connection" in history.gap


@pytest.mark.parametrize("method", ["CreateCollectorForEvents", "CreateCollectorForTasks", "QueryEvents"])
def test_a_log_that_may_not_be_read_is_an_incomplete_history(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine, method: str
) -> None:
    since = parent_moment(connection, web)
    lab.control.add_fault(CallFault(method, "fault", fault="NoPermission"))
    history = history_since(connection, web, since)
    assert not history.complete
    assert "NoPermission" in history.gap


def test_a_long_history_is_read_to_its_end(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    since = parent_moment(connection, web)
    for n in range(600):
        lab.control.post_event("GeneralEvent", machine="web-01", message=f"event {n}")
    lab.control.create_snapshot("web-01", "before the update")
    lab.control.revert("web-01")
    assert history_since(connection, web, since).disturbances


def test_collectors_are_given_back(lab: Lab, connection: VcenterConnection, web: VirtualMachine) -> None:
    since = parent_moment(connection, web)
    for _ in range(40):  # a session has 32 collectors
        assert history_since(connection, web, since).complete
    lab.control.terminate_sessions()
    assert history_since(connection, web, since).complete
