from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.errors import ChangeTrackingError
from appliance.model.extents import Extent, align_extents
from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere import (
    Quiesce,
    SnapshotFacts,
    TrackingState,
    VcenterConnection,
    allocated_areas_by_tracking,
    changed_areas,
    create_snapshot,
    disable_tracking,
    ensure_tracking,
    find_machine,
    remove_snapshot,
    snapshot_of,
)
from appliance.vsphere.errors import (
    ChangeIdMissingError,
    ObjectGoneError,
    SnapshotRemovalError,
    TrackingQueryError,
    TrackingResetError,
    VcenterUnreachableError,
)
from keepline_lab import Disk, Lab, Machine, VcenterSettings
from keepline_lab.control import CallFault
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import MARK, MIB, connected

GRAIN = 64 << 10
CAPACITY = 16 * MIB
SMALL_PAGES = VcenterSettings(max_changed_areas=3, granularity_bytes=GRAIN)


@pytest.fixture
def lab(laboratory: StartLab) -> Lab:
    return laboratory(Machine("web-01", (Disk(size=CAPACITY),)), settings=SMALL_PAGES)


@pytest.fixture
def connection(lab: Lab) -> Iterator[VcenterConnection]:
    with connected(lab) as connection:
        yield connection


@pytest.fixture
def web(connection: VcenterConnection) -> VirtualMachine:
    return find_machine(connection, "web-01")


def moment(connection: VcenterConnection, machine: VirtualMachine) -> SnapshotFacts:
    """The facts of a snapshot that is gone again: what a committed recovery point remembers."""
    with snapshot_of(connection, machine, MARK, quiesce=Quiesce()) as facts:
        return facts


def test_tracking_is_turned_on_once_and_is_in_effect_for_the_next_snapshot(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    first, second = (ensure_tracking(connection, web, MARK) for _ in range(2))
    assert (first.state, second.state) == (TrackingState.ENABLED_NOW, TrackingState.ENABLED_ALREADY)
    assert first.in_effect
    assert second.in_effect
    assert all(disk.change_id is not None for disk in moment(connection, web).disks)
    assert find_machine(connection, "web-01").snapshot_count == 0


def test_a_machine_that_is_off_needs_no_snapshot_to_be_tracked(laboratory: StartLab) -> None:
    lab = laboratory(Machine("web-01", (Disk(size=MIB),), power="off"))
    with connected(lab) as connection:
        web = find_machine(connection, "web-01")
        assert ensure_tracking(connection, web, MARK).state is TrackingState.ENABLED_NOW
        assert "CreateSnapshot_Task" not in lab.control.state().calls
        assert moment(connection, web).disks[0].change_id is not None


def test_tracking_is_never_turned_on_while_there_are_snapshots(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.create_snapshot("web-01", "before the update")
    outcome = ensure_tracking(connection, web, MARK)
    assert outcome.state is TrackingState.BLOCKED_BY_SNAPSHOTS
    assert "1 snapshot" in outcome.reason
    assert not outcome.in_effect
    assert not find_machine(connection, "web-01").change_tracking_enabled


def test_snapshots_are_normal_where_tracking_is_on_already(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    lab.control.create_snapshot("web-01", "before the update")
    assert ensure_tracking(connection, web, MARK).state is TrackingState.ENABLED_ALREADY


UNTRACKABLE = [
    Machine("odd", (Disk(size=MIB),), cbt_supported=False),
    Machine("odd", (Disk(size=MIB),), template=True, power="off"),
]


@pytest.mark.parametrize("odd", UNTRACKABLE)
def test_a_machine_that_cannot_be_tracked_says_so(laboratory: StartLab, odd: Machine) -> None:
    with connected(laboratory(odd)) as connection:
        outcome = ensure_tracking(connection, find_machine(connection, "odd"), MARK)
        assert outcome.state is TrackingState.UNSUPPORTED


def test_a_refusal_is_an_outcome_not_an_error(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.add_fault(CallFault("ReconfigVM_Task", "fault", fault="NoPermission"))
    outcome = ensure_tracking(connection, web, MARK)
    assert outcome.state is TrackingState.REFUSED
    assert "NoPermission" in outcome.reason


def test_a_snapshot_left_by_turning_tracking_on_is_an_error(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.add_fault(CallFault("RemoveSnapshot_Task", "fault", fault="NoPermission"))
    with pytest.raises(SnapshotRemovalError):
        ensure_tracking(connection, web, MARK)


def test_exactly_what_the_guest_wrote_is_named_over_many_pages(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    parent = moment(connection, web).disks[0]
    written = [Extent(n * 3 * GRAIN, 512) for n in range(40)]
    for extent in written:
        lab.control.write_random("web-01", 0, extent.offset, extent.length)
    assert parent.change_id is not None
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        lab.control.write_random("web-01", 0, GRAIN, 512)  # after the snapshot: belongs to the next one
        found = changed_areas(connection, web, facts, facts.disks[0], parent.change_id)
    assert found.extents == tuple(align_extents(written, GRAIN, CAPACITY))
    assert found.proof.capacity == CAPACITY
    assert len(found.proof.pages) > 10
    assert found.proof.change_id == str(parent.change_id)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, CAPACITY // 512 - 1), st.integers(1, 300)), max_size=12))
def test_no_write_of_the_guest_is_ever_missed(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine, writes: list[tuple[int, int]]
) -> None:
    ensure_tracking(connection, web, MARK)
    parent = moment(connection, web).disks[0].change_id
    assert parent is not None
    sectors: set[int] = set()
    for start, count in writes:
        length = min(count, CAPACITY // 512 - start)
        lab.control.write_random("web-01", 0, start * 512, length * 512)
        sectors |= set(range(start, start + length))
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        found = changed_areas(connection, web, facts, facts.disks[0], parent)
    named = {n for extent in found.extents for n in range(extent.offset // 512, extent.end // 512)}
    assert sectors <= named


def test_the_star_query_names_what_was_ever_written(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    lab.control.write_random("web-01", 0, MIB, 4096)
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        found = allocated_areas_by_tracking(connection, web, facts, facts.disks[0])
    assert any(extent.offset <= MIB and extent.end >= MIB + 4096 for extent in found.extents)
    assert found.proof.change_id == "*"


def test_a_disk_without_change_id_cannot_be_asked_about(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    parent = moment(connection, web).disks[0].change_id
    assert parent is not None
    disable_tracking(connection, web, MARK)
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        with pytest.raises(ChangeIdMissingError, match="web-01 / Hard disk 1"):
            changed_areas(connection, web, facts, facts.disks[0], parent)
        with pytest.raises(ChangeIdMissingError):
            allocated_areas_by_tracking(connection, web, facts, facts.disks[0])


def test_turning_tracking_off_makes_every_older_change_id_worthless(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    parent = moment(connection, web).disks[0].change_id
    disable_tracking(connection, web, MARK)
    ensure_tracking(connection, web, MARK)
    now = moment(connection, web).disks[0].change_id
    assert parent is not None
    assert now is not None
    assert parent.epoch != now.epoch


def test_a_reset_is_seen_before_anything_is_asked(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    parent = moment(connection, web).disks[0].change_id
    assert parent is not None
    lab.control.reset_tracking("web-01", 0)
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        disk = facts.disks[0]
        with pytest.raises(TrackingResetError) as caught:
            changed_areas(connection, web, facts, disk, parent)
        assert str(parent) in str(caught.value)
        assert str(disk.change_id) in str(caught.value)
        with pytest.raises(TrackingQueryError, match="FileFault"):
            changed_areas(connection, web, facts, replace(disk, change_id=parent), parent)


def test_a_change_id_from_the_future_is_a_reset_too(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        current = facts.disks[0].change_id
        assert current is not None
        later = replace(current, sequence=current.sequence + 1)
        with pytest.raises(TrackingResetError):
            changed_areas(connection, web, facts, facts.disks[0], later)


@pytest.mark.parametrize("fault", ["FileFault", "InvalidArgument", "NotFound", "InvalidState", "SystemError"])
def test_whatever_the_host_says_instead_of_areas_is_a_tracking_error(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine, fault: str
) -> None:
    ensure_tracking(connection, web, MARK)
    parent = moment(connection, web).disks[0].change_id
    assert parent is not None
    lab.control.add_fault(CallFault("QueryChangedDiskAreas", "fault", fault=fault))
    with (
        snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts,
        pytest.raises(ChangeTrackingError, match=fault),
    ):
        changed_areas(connection, web, facts, facts.disks[0], parent)


@pytest.mark.parametrize("action", ["drop", "drop_after", "http_503"])
def test_a_page_whose_answer_got_lost_is_asked_for_again(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine, action: str
) -> None:
    ensure_tracking(connection, web, MARK)
    parent = moment(connection, web).disks[0].change_id
    assert parent is not None
    for n in range(20):
        lab.control.write_random("web-01", 0, n * 3 * GRAIN, 512)
    lab.control.add_fault(CallFault("QueryChangedDiskAreas", action, nth=3))
    with snapshot_of(connection, web, MARK, quiesce=Quiesce()) as facts:
        found = changed_areas(connection, web, facts, facts.disks[0], parent)
    assert len(found.extents) == 20


def test_a_vcenter_that_stays_away_is_no_fault_of_tracking(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    facts = create_snapshot(connection, web, MARK, quiesce=Quiesce())
    change_id = facts.disks[0].change_id
    assert change_id is not None
    lab.control.add_fault(CallFault("QueryChangedDiskAreas", "http_503", count=1000))
    with pytest.raises(VcenterUnreachableError):
        changed_areas(connection, web, facts, facts.disks[0], change_id)


def test_a_snapshot_that_is_gone_is_no_fault_of_tracking(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    ensure_tracking(connection, web, MARK)
    facts = create_snapshot(connection, web, MARK, quiesce=Quiesce())
    change_id = facts.disks[0].change_id
    assert change_id is not None
    remove_snapshot(connection, web.moref, facts.moref)
    with pytest.raises(ObjectGoneError):
        changed_areas(connection, web, facts, facts.disks[0], change_id)
