from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyVmomi import vim

from appliance.model.recovery_points import Consistency
from appliance.vsphere.quiescing import GuestState, Quiesce, quiesce_specification, steps_down

ORDER = [Consistency.CRASH, Consistency.FILESYSTEM, Consistency.APPLICATION]
LINUX = GuestState(running=True, tools_running=True, is_windows=False)
WINDOWS = GuestState(running=True, tools_running=True, is_windows=True)
WITHOUT_TOOLS = GuestState(running=True, tools_running=False, is_windows=False)
OFF = GuestState(running=False, tools_running=False, is_windows=True)

GUESTS = st.builds(GuestState, st.booleans(), st.booleans(), st.booleans())


@st.composite
def wishes(draw: st.DrawFn) -> Quiesce:
    least, wanted = sorted(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))))
    return Quiesce(ORDER[wanted], ORDER[least], attempts=draw(st.integers(1, 4)))


@given(wishes(), GUESTS)
def test_levels_only_go_down_and_never_below_the_least_of_a_running_machine(
    quiesce: Quiesce, guest: GuestState
) -> None:
    levels = [ORDER.index(level) for level in steps_down(quiesce, guest)]
    assert levels == sorted(levels, reverse=True)
    if guest.running:
        assert all(ORDER.index(quiesce.least) <= level <= ORDER.index(quiesce.wanted) for level in levels)


@given(wishes(), GUESTS)
def test_a_wish_vsphere_would_ignore_is_never_uttered(quiesce: Quiesce, guest: GuestState) -> None:
    if not (guest.running and guest.tools_running):
        assert set(steps_down(quiesce, guest)) <= {Consistency.CRASH}


def test_the_wanted_level_is_tried_as_often_as_wished_the_weaker_ones_once() -> None:
    quiesce = Quiesce(Consistency.APPLICATION, Consistency.CRASH, attempts=3)
    assert list(steps_down(quiesce, LINUX)) == [Consistency.APPLICATION] * 3 + ORDER[1::-1]


def test_a_guest_without_tools_gets_nothing_where_crash_consistent_is_too_little() -> None:
    quiesce = Quiesce(Consistency.APPLICATION, Consistency.FILESYSTEM)
    assert list(steps_down(quiesce, WITHOUT_TOOLS)) == []
    assert "VMware Tools" in WITHOUT_TOOLS.notes(quiesce)[0]


def test_a_machine_that_is_off_is_at_rest_whatever_is_wished() -> None:
    quiesce = Quiesce(Consistency.APPLICATION, Consistency.APPLICATION)
    assert list(steps_down(quiesce, OFF)) == [Consistency.CRASH]
    assert "does not run" in OFF.notes(quiesce)[0]


@pytest.mark.parametrize("guest", [LINUX, WINDOWS, WITHOUT_TOOLS, OFF])
def test_crash_consistent_is_one_snapshot_without_a_word_to_anyone(guest: GuestState) -> None:
    assert list(steps_down(Quiesce(), guest)) == [Consistency.CRASH]
    assert guest.notes(Quiesce()) == ()
    assert quiesce_specification(Consistency.CRASH, guest, 10) is None


def test_windows_writers_take_part_only_in_application_consistent_snapshots() -> None:
    application = quiesce_specification(Consistency.APPLICATION, WINDOWS, 10)
    filesystem = quiesce_specification(Consistency.FILESYSTEM, WINDOWS, 10)
    assert isinstance(application, vim.vm.WindowsQuiesceSpec)
    assert isinstance(filesystem, vim.vm.WindowsQuiesceSpec)
    assert (application.vssBackupContext, filesystem.vssBackupContext) == (
        "ctx_backup",
        "ctx_file_share_backup",
    )
    assert application.vssBackupType == 5


@pytest.mark.parametrize(("wished", "told"), [(0, 5), (10, 10), (1000, 240)])
def test_the_time_limit_is_one_vsphere_takes(wished: int, told: int) -> None:
    specification = quiesce_specification(Consistency.FILESYSTEM, LINUX, wished)
    assert specification is not None
    assert specification.timeout == told


def test_a_wish_for_at_least_more_than_is_wanted_is_refused() -> None:
    with pytest.raises(ValueError, match="more than the wanted"):
        Quiesce(Consistency.CRASH, Consistency.FILESYSTEM)
    with pytest.raises(ValueError, match="0 attempts"):
        Quiesce(attempts=0)
