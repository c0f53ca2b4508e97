from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.errors import VcenterError
from appliance.model.recovery_points import Consistency
from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere import (
    Quiesce,
    VcenterConnection,
    create_snapshot,
    find_machine,
    remove_snapshot,
    snapshot_facts,
    snapshot_of,
    snapshots_marked_by,
)
from appliance.vsphere.errors import (
    ConsolidationError,
    PermissionMissingError,
    QuiesceFailedError,
    SnapshotRemovalError,
)
from appliance.vsphere.snapshots import stun
from keepline_lab import Disk, Lab, Machine
from keepline_lab.control import CallFault
from keepline_lab.laboratories import StartLab
from tests.simulated.vsphere.steps import ELSEWHERE, FOREIGN, HERE, MARK, MIB, OTHER_RUN, connected

PLAIN = Quiesce()
QUIESCED = Quiesce(Consistency.APPLICATION, Consistency.CRASH, attempts=2)

# What passes by itself, and how it looks: refused at the call, failed as a task, or an answer that got lost.
PASSING = [
    ("fault", "TaskInProgress"),
    ("task_fault", "TaskInProgress"),
    ("fault", "ConcurrentAccess"),
    ("task_fault", "ConcurrentAccess"),
    ("task_fault", "FileLocked"),
    ("fault", "HostNotConnected"),
    ("drop", ""),
    ("drop_after", ""),
    ("http_503", ""),
]


@pytest.fixture
def lab(laboratory: StartLab) -> Lab:
    return laboratory(Machine("web-01", (Disk(size=MIB), Disk(size=MIB)), tools="running"))


@pytest.fixture
def connection(lab: Lab) -> Iterator[VcenterConnection]:
    with connected(lab) as connection:
        yield connection


@pytest.fixture
def web(connection: VcenterConnection) -> VirtualMachine:
    return find_machine(connection, "web-01")


def snapshots_in(lab: Lab) -> list[str]:
    return [snapshot.name for snapshot in lab.control.state().snapshots]


def test_a_snapshot_says_whose_it_is_and_is_gone_afterwards(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    with snapshot_of(connection, web, MARK, quiesce=PLAIN) as facts:
        assert snapshots_in(lab) == [f"Keepline {MARK.run}"]
        (marked,) = snapshots_marked_by(connection, HERE)
        assert (marked.snapshot, marked.machine, marked.machine_name, marked.mark) == (
            facts.moref,
            web.moref,
            "web-01",
            MARK,
        )
        assert marked.created_at == facts.created_at
        assert [disk.backing_uuid for disk in facts.disks] == [disk.backing_uuid for disk in web.disks]
        assert facts.consistency is Consistency.CRASH
        assert snapshot_facts(connection, web.moref, facts.moref) == facts
    assert snapshots_in(lab) == []
    assert snapshot_facts(connection, web.moref, facts.moref) is None


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_a_snapshot_is_gone_however_its_use_ends(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine, error: type[BaseException]
) -> None:
    with pytest.raises(error), snapshot_of(connection, web, MARK, quiesce=PLAIN):
        raise error
    assert snapshots_in(lab) == []


def test_snapshots_of_others_are_neither_listed_nor_touched(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.create_snapshot("web-01", "before the update", description="by an admin")
    foreign = create_snapshot(connection, web, FOREIGN, quiesce=PLAIN)
    with snapshot_of(connection, web, MARK, quiesce=PLAIN) as facts:
        assert [one.snapshot for one in snapshots_marked_by(connection, HERE)] == [facts.moref]
        assert [one.snapshot for one in snapshots_marked_by(connection, ELSEWHERE)] == [foreign.moref]
    assert sorted(snapshots_in(lab)) == sorted(["before the update", f"Keepline {FOREIGN.run}"])


def test_a_failing_run_removes_its_own_snapshot_and_no_others(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    create_snapshot(connection, web, FOREIGN, quiesce=PLAIN)
    create_snapshot(connection, web, OTHER_RUN, quiesce=PLAIN)
    with pytest.raises(KeyboardInterrupt), snapshot_of(connection, web, MARK, quiesce=PLAIN):
        raise KeyboardInterrupt
    assert sorted(snapshots_in(lab)) == sorted([f"Keepline {FOREIGN.run}", f"Keepline {OTHER_RUN.run}"])


def test_a_snapshot_of_the_same_run_is_taken_over_that_of_another_run_is_not(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    left = create_snapshot(connection, web, MARK, quiesce=PLAIN)
    assert create_snapshot(connection, web, MARK, quiesce=PLAIN) == left
    with snapshot_of(connection, web, OTHER_RUN, quiesce=PLAIN) as facts:
        assert facts.moref != left.moref
    assert snapshots_in(lab) == [f"Keepline {MARK.run}"]


@pytest.mark.parametrize(("action", "fault"), PASSING)
def test_a_passing_trouble_at_creation_costs_a_moment_and_never_a_second_snapshot(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine, action: str, fault: str
) -> None:
    lab.control.add_fault(CallFault("CreateSnapshot_Task", action, fault=fault))
    with snapshot_of(connection, web, MARK, quiesce=PLAIN):
        assert snapshots_in(lab) == [f"Keepline {MARK.run}"]
    assert snapshots_in(lab) == []


@pytest.mark.parametrize(("action", "fault"), PASSING)
def test_a_passing_trouble_at_removal_leaves_no_snapshot(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine, action: str, fault: str
) -> None:
    lab.control.add_fault(CallFault("RemoveSnapshot_Task", action, fault=fault))
    with snapshot_of(connection, web, MARK, quiesce=PLAIN):
        pass
    assert snapshots_in(lab) == []


def test_a_session_that_ends_between_is_no_trouble(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.terminate_sessions()
    with snapshot_of(connection, web, MARK, quiesce=PLAIN):
        lab.control.terminate_sessions()
    assert snapshots_in(lab) == []


def test_a_refused_creation_is_an_error_with_the_reason_and_leaves_nothing(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.add_fault(CallFault("CreateSnapshot_Task", "fault", fault="NoPermission"))
    with (
        pytest.raises(PermissionMissingError, match="web-01"),
        snapshot_of(connection, web, MARK, quiesce=PLAIN),
    ):
        pytest.fail("there is no snapshot to use")
    assert snapshots_in(lab) == []


def test_a_snapshot_that_stays_is_an_error_and_the_next_try_removes_it(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.add_fault(CallFault("RemoveSnapshot_Task", "task_fault", fault="FileLocked", count=1000))
    with (
        pytest.raises(SnapshotRemovalError, match="FileLocked"),
        snapshot_of(connection, web, MARK, quiesce=PLAIN) as facts,
    ):
        pass
    lab.control.clear_faults()
    (left,) = snapshots_marked_by(connection, HERE)
    assert left.snapshot == facts.moref
    remove_snapshot(connection, left.machine, left.snapshot)
    remove_snapshot(connection, left.machine, left.snapshot)  # gone already is fine
    assert snapshots_in(lab) == []


def test_a_snapshot_that_stays_does_not_hide_why_its_use_ended(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.add_fault(CallFault("RemoveSnapshot_Task", "fault", fault="NoPermission", count=1000))
    with (
        pytest.raises(RuntimeError, match="the reader failed") as caught,
        snapshot_of(connection, web, MARK, quiesce=PLAIN),
    ):
        raise RuntimeError("the reader failed")
    assert any("the snapshot stays" in note for note in caught.value.__notes__)


def test_disks_are_consolidated_when_a_removal_leaves_that_to_do(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.set_consolidation("web-01", on_removal=1)
    with snapshot_of(connection, web, MARK, quiesce=PLAIN):
        pass
    assert lab.control.state().calls["ConsolidateVMDisks_Task"] == 1
    assert not find_machine(connection, "web-01").consolidation_needed


def test_disks_that_cannot_be_consolidated_are_an_error(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.set_consolidation("web-01", on_removal=1)
    lab.control.add_fault(CallFault("ConsolidateVMDisks_Task", "task_fault", fault="FileLocked", count=1000))
    with (
        pytest.raises(ConsolidationError, match="FileLocked"),
        snapshot_of(connection, web, MARK, quiesce=PLAIN),
    ):
        pass
    assert snapshots_in(lab) == []


def test_a_guest_that_comes_to_rest_makes_the_wanted_snapshot(
    connection: VcenterConnection, web: VirtualMachine
) -> None:
    with snapshot_of(connection, web, MARK, quiesce=QUIESCED) as facts:
        assert (facts.consistency, facts.notes) == (Consistency.APPLICATION, ())
        resumed = snapshot_facts(connection, web.moref, facts.moref)
        assert resumed is not None
        assert resumed.consistency is Consistency.APPLICATION


def test_a_guest_that_fails_once_is_asked_again(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.add_fault(CallFault("CreateSnapshotEx_Task", "task_fault", fault="ApplicationQuiesceFault"))
    with snapshot_of(connection, web, MARK, quiesce=QUIESCED) as facts:
        assert facts.consistency is Consistency.APPLICATION
        assert len(facts.notes) == 1


def test_a_guest_that_never_rests_gets_the_weaker_snapshot_with_a_note_where_that_is_enough(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    fault = CallFault("CreateSnapshotEx_Task", "task_fault", fault="ApplicationQuiesceFault", count=1000)
    lab.control.add_fault(fault)
    with snapshot_of(connection, web, MARK, quiesce=QUIESCED) as facts:
        assert facts.consistency is Consistency.CRASH
        assert all("ApplicationQuiesceFault" in note for note in facts.notes)
    strict = Quiesce(Consistency.APPLICATION, Consistency.FILESYSTEM)
    with (
        pytest.raises(QuiesceFailedError, match="at least filesystem"),
        snapshot_of(connection, web, MARK, quiesce=strict),
    ):
        pytest.fail("there is no snapshot to use")
    assert snapshots_in(lab) == []


def test_without_vmware_tools_no_snapshot_claims_to_be_quiesced(laboratory: StartLab) -> None:
    lab = laboratory(Machine("bare", (Disk(size=MIB),), tools="not_running"))
    with connected(lab) as connection:
        bare = find_machine(connection, "bare")
        with snapshot_of(connection, bare, MARK, quiesce=QUIESCED) as facts:
            assert facts.consistency is Consistency.CRASH
            assert any("VMware Tools" in note for note in facts.notes)
        assert "CreateSnapshotEx_Task" not in lab.control.state().calls


def test_a_snapshot_that_makes_a_change_effective_is_marked_and_gone_but_never_read_from(
    lab: Lab, connection: VcenterConnection, web: VirtualMachine
) -> None:
    lab.control.add_fault(CallFault("RemoveSnapshot_Task", "fault", fault="NoPermission", count=1))
    with pytest.raises(VcenterError):
        stun(connection, web, MARK)
    (left,) = snapshots_marked_by(connection, HERE)
    with snapshot_of(connection, web, MARK, quiesce=PLAIN) as facts:
        assert facts.moref != left.snapshot
    stun(connection, web, MARK)
    assert snapshots_marked_by(connection, HERE) == []
