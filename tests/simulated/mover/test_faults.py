from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.clock import SystemClock
from appliance.dispatch import MoverDiedError, TaskCancelledError
from appliance.errors import ApplianceError
from appliance.model.disk_tasks import TaskDocument, TaskMessage
from appliance.repository.repository import initialise_repository
from appliance.storage import FileSystemStore, RepositoryFullError, RepositoryMissingError
from appliance.transport import (
    CapacityMismatchError,
    DiskNotFoundError,
    LoginRefusedError,
    RefusedByVddkError,
    ThumbprintError,
    TransportHangError,
    VddkInstallationError,
)
from keepline_lab import Disk, LibraryBehaviour, Machine, VddkFault
from tests.simulated.mover.conftest import CONTENT, MakeWorkplace
from tests.simulated.mover.workplace import BLOCK, Workplace, ignore

pytestmark = pytest.mark.simulated

CONNECTION_LOST = 14011
OUT_OF_MEMORY = 2
READ = "VixDiskLib_Read"


def restored(workplace: Workplace, draft: str) -> bytes:
    target = workplace.folder / "disk.raw"
    workplace.restore(workplace.plan(draft), target)
    return target.read_bytes()


def test_a_lost_connection_is_opened_again(workplace: Workplace) -> None:
    workplace.lab.set_vddk_faults([VddkFault(READ, f"error:{CONNECTION_LOST}", nth=7, count=2)])
    heard: list[TaskMessage] = []

    result = workplace.back_up(on_message=heard.append)

    assert restored(workplace, result.draft) == CONTENT
    assert any("14011" in (message.log or "") for message in heard), "the run's log says so"


def test_an_error_that_no_retry_heals_ends_the_task_at_once(workplace: Workplace) -> None:
    workplace.lab.set_vddk_faults([VddkFault(READ, "error:16003", nth=3, count=10**6)])

    with pytest.raises(ApplianceError, match="16003") as caught:
        workplace.back_up()

    assert caught.value.code == "KL-3011"
    assert not caught.value.transient


def test_a_host_without_memory_gets_smaller_reads(workplace: Workplace) -> None:
    workplace.lab.set_vddk_faults([VddkFault(READ, f"error:{OUT_OF_MEMORY}", nth=2, count=2)])

    result = workplace.back_up()

    assert restored(workplace, result.draft) == CONTENT


def test_a_host_without_memory_for_the_reads_of_all_handles_gets_half_of_them_back(
    workplace: Workplace,
) -> None:
    """Rule 13: what other clients of the host need is given back, not only asked for more sparingly."""
    workplace.lab.set_vddk_faults([VddkFault(READ, f"error:{OUT_OF_MEMORY}", nth=2, count=1)])

    result = workplace.back_up(workplace.backup_task(workers=4))

    assert restored(workplace, result.draft) == CONTENT
    assert result.warnings == (
        "web-01 / Hard disk 1 was read through 2 instead of 4 connections: the host had no room for more",
    )


def test_a_host_that_keeps_lacking_memory_leaves_one_handle(workplace: Workplace) -> None:
    workplace.lab.set_vddk_faults([VddkFault(READ, f"error:{OUT_OF_MEMORY}", nth=2, count=4)])

    result = workplace.back_up(workplace.backup_task(workers=3))

    assert restored(workplace, result.draft) == CONTENT
    assert "through 1 instead of 3 connections" in result.warnings[0]


@pytest.mark.parametrize("nth", [1, 2])
def test_a_datastore_that_does_not_say_what_is_allocated_is_read_whole(
    workplace: Workplace, nth: int
) -> None:
    """Rule 3: whatever goes wrong with the query, no block is taken for zero that was not read."""
    query = "VixDiskLib_QueryAllocatedBlocks"
    workplace.lab.set_vddk_faults([VddkFault(query, "error:1", nth=nth, count=0)])

    result = workplace.back_up(replace(workplace.backup_task(), use_allocated_blocks=True))

    assert restored(workplace, result.draft) == CONTENT


def test_a_host_without_memory_for_all_handles_gives_fewer(workplace: Workplace) -> None:
    workplace.lab.set_vddk_faults([VddkFault("VixDiskLib_Open", f"error:{OUT_OF_MEMORY}", nth=2, count=1)])

    result = workplace.back_up(workplace.backup_task(workers=3))

    assert restored(workplace, result.draft) == CONTENT
    assert result.warnings == (
        "web-01 / Hard disk 1 was read through 1 instead of 3 connections: the host had no room for more",
    )


def test_a_host_that_is_busy_at_first_is_asked_again(workplace: Workplace) -> None:
    workplace.lab.set_vddk_faults([VddkFault("VixDiskLib_Open", f"error:{OUT_OF_MEMORY}", nth=1, count=1)])

    result = workplace.back_up()

    assert restored(workplace, result.draft) == CONTENT


@pytest.mark.parametrize("error", [None, CONNECTION_LOST, OUT_OF_MEMORY])
def test_hot_add_queues_all_reads_on_one_handle(workplace_with: MakeWorkplace, error: int | None) -> None:
    workplace = workplace_with(behaviour=LibraryBehaviour(transports=("hotadd", "nbdssl")))
    access = workplace.access(transport_modes="hotadd:nbdssl")
    second_open = VddkFault("VixDiskLib_Open", "abort", nth=2 if error != CONNECTION_LOST else 9)
    synchronous = VddkFault(READ, "abort")
    failing = [VddkFault("VixDiskLib_ReadAsync", f"error:{error}", nth=5, count=3)] if error else []
    workplace.lab.set_vddk_faults([second_open, synchronous, *failing])

    result = workplace.back_up(workplace.backup_task(access, workers=3))

    assert result.transport_mode == "hotadd"
    assert result.warnings == ()
    assert restored(workplace, result.draft) == CONTENT


def test_a_hanging_read_ends_the_mover_with_a_clear_error(workplace: Workplace) -> None:
    workplace.lab.set_vddk_faults([VddkFault(READ, "hang:600000", nth=5)])
    task = workplace.backup_task(workplace.access(call_limit_seconds=1.0))

    with pytest.raises(TransportHangError, match=r"read of .* has not come back for 1 seconds") as caught:
        workplace.back_up(task)

    assert caught.value.transient


def test_a_killed_mover_is_resumed_and_reads_only_the_rest(workplace_with: MakeWorkplace) -> None:
    content = CONTENT * 8
    workplace = workplace_with(content=content)
    faults = [VddkFault(READ, "kill", nth=170, once=workplace.folder / "once")]
    (workplace.folder / "once").touch()
    workplace.lab.set_vddk_faults(faults)
    task = replace(workplace.backup_task(), segment_target=8 << 20)

    with pytest.raises(MoverDiedError, match="SIGKILL") as caught:
        workplace.back_up(task)
    workplace.lab.control.write_random("web-01", 0, offset=0, length=1 << 20, seed=3)
    result = workplace.back_up(task)

    assert caught.value.transient
    assert result.resumed_blocks > 0
    assert result.statistics.read == len(content) - result.resumed_blocks * BLOCK
    assert result.statistics.examined == len(content)
    assert restored(workplace, result.draft) == content


def test_rows_of_another_snapshot_are_never_resumed(workplace_with: MakeWorkplace) -> None:
    content = CONTENT * 8
    workplace = workplace_with(content=content)
    workplace.lab.set_vddk_faults([VddkFault(READ, "kill", nth=170)])
    task = replace(workplace.backup_task(), segment_target=8 << 20)
    with pytest.raises(MoverDiedError):
        workplace.back_up(task)
    workplace.lab.set_vddk_faults([])
    workplace.lab.control.write_random("web-01", 0, offset=0, length=1 << 20, seed=3)
    second = workplace.lab.control.create_snapshot("web-01")
    state = next(state for state in workplace.lab.control.state().snapshots if state.moref == second)

    result = workplace.back_up(
        replace(
            task,
            key=replace(task.key, snapshot=second),
            access=replace(task.access, snapshot=second),
            disk_path=next(iter(state.files.values())),
        )
    )

    assert result.resumed_blocks == 0
    assert restored(workplace, result.draft) == workplace.lab.frozen_bytes(second, "web-01")


def test_a_draft_that_was_completed_before_the_mover_died_is_not_read_again(workplace: Workplace) -> None:
    first = workplace.back_up()
    workplace.lab.set_vddk_faults([VddkFault("VixDiskLib_InitEx", "abort")])

    second = workplace.back_up()

    assert second.draft == first.draft
    assert second.statistics == first.statistics


def test_a_cancelled_backup_can_be_resumed(workplace_with: MakeWorkplace) -> None:
    slow = LibraryBehaviour(bytes_per_second={"nbdssl": 4 << 20})
    workplace = workplace_with(behaviour=slow)
    cancelled = threading.Event()

    def cancel(message: TaskMessage) -> None:
        if message.progress and message.progress.done:
            cancelled.set()

    with pytest.raises(TaskCancelledError):
        workplace.pool.run(TaskDocument(backup_disk=workplace.backup_task()), cancel, cancelled)

    assert restored(workplace, workplace.back_up().draft) == CONTENT


def test_a_full_repository_is_told_and_leaves_a_resumable_draft(
    workplace: Workplace, full_folder: Path
) -> None:
    initialise_repository(FileSystemStore(full_folder), SystemClock())
    task = replace(workplace.backup_task(), repository=str(full_folder))

    with pytest.raises(RepositoryFullError, match="space"):
        workplace.back_up(task)

    assert not list(full_folder.glob("drafts/*/*/draft.json"))


def test_a_repository_that_was_unmounted_is_told_and_its_mount_point_stays_empty(
    workplace: Workplace, tmp_path: Path
) -> None:
    mount_point = tmp_path / "mount-point"
    mount_point.mkdir()

    with pytest.raises(RepositoryMissingError, match="what was mounted there is away"):
        workplace.back_up(replace(workplace.backup_task(), repository=str(mount_point)))

    assert list(mount_point.iterdir()) == []


def test_a_full_target_is_told_and_nothing_is_left(workplace: Workplace, full_folder: Path) -> None:
    plan = workplace.plan(workplace.back_up().draft)

    with pytest.raises(ApplianceError, match="cannot be completed") as caught:
        workplace.restore(plan, full_folder / "disk.raw")

    assert caught.value.code == "KL-5060"
    assert list(full_folder.iterdir()) == []


def test_an_existing_target_is_refused_and_untouched(workplace: Workplace) -> None:
    plan = workplace.plan(workplace.back_up().draft)
    target = workplace.folder / "disk.raw"
    target.write_text("precious")

    with pytest.raises(ApplianceError, match="exists already") as caught:
        workplace.restore(plan, target)

    assert caught.value.code == "KL-1060"
    assert target.read_text() == "precious"


def test_damage_ends_a_restore_and_leaves_no_file(workplace: Workplace) -> None:
    result = workplace.back_up()
    location = workplace.rows(result.draft)[0].location
    path = workplace.folder / "repository" / "segments" / location.segment[:2] / location.segment
    content = bytearray(path.read_bytes())
    content[location.offset + 10] ^= 1
    path.write_bytes(content)

    with pytest.raises(ApplianceError, match=r"block \d+ of web-01 / Hard disk 1 in segment") as caught:
        workplace.restore(workplace.plan(result.draft), workplace.folder / "disk.raw")

    assert caught.value.code == "KL-4502"
    assert not (workplace.folder / "disk.raw").exists()


def test_a_connection_lost_while_writing_makes_the_whole_disk_be_written_anew(
    workplace_with: MakeWorkplace,
) -> None:
    workplace = workplace_with(Machine("restored", (Disk(size=len(CONTENT)),), power="off"))
    disk_path = workplace.lab.control.machine("restored").disks[0].file
    plan = workplace.plan(workplace.back_up().draft)
    task = workplace.restore_to_disk_task(plan, "restored", disk_path, len(CONTENT))
    workplace.lab.set_vddk_faults([VddkFault("VixDiskLib_Write", f"error:{CONNECTION_LOST}", nth=2)])

    with pytest.raises(ApplianceError, match="14011") as caught:
        workplace.pool.run(TaskDocument(restore_vddk=task), ignore, threading.Event())

    assert caught.value.transient, "the run tries again by itself"
    workplace.lab.set_vddk_faults([])
    workplace.pool.run(TaskDocument(restore_vddk=task), ignore, threading.Event())
    assert workplace.lab.disk_bytes("restored") == CONTENT


def test_a_lying_disk_is_found_by_reading_back(workplace_with: MakeWorkplace) -> None:
    workplace = workplace_with(Machine("restored", (Disk(size=len(CONTENT)),), power="off"))
    disk_path = workplace.lab.control.machine("restored").disks[0].file
    plan = workplace.plan(workplace.back_up().draft)
    workplace.lab.set_vddk_faults([VddkFault(READ, "zeros", nth=1, count=10**6)])
    task = replace(
        workplace.restore_to_disk_task(plan, "restored", disk_path, len(CONTENT)), read_back_percent=100
    )

    with pytest.raises(ApplianceError, match="reads back with") as caught:
        workplace.pool.run(TaskDocument(restore_vddk=task), ignore, threading.Event())

    assert caught.value.code == "KL-5062"


def test_a_disk_that_vddk_sees_in_another_size_is_not_read(workplace: Workplace) -> None:
    task = workplace.backup_task()

    with pytest.raises(CapacityMismatchError, match=f"{len(CONTENT) + 512} bytes for vCenter"):
        workplace.back_up(replace(task, key=replace(task.key, capacity=len(CONTENT) + 512)))


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ({"password": "wrong"}, LoginRefusedError, "was refused"),
        ({"thumbprint": ":".join(["00"] * 20)}, ThumbprintError, "thumbprint|unknown error"),
        ({"machine": "vm-9999"}, DiskNotFoundError, "not found"),
        ({"snapshot": "snapshot-9999"}, DiskNotFoundError, "not found"),
        ({"library_folder": "/nowhere"}, VddkInstallationError, "/nowhere"),
        ({"thumbprint": "no thumbprint"}, RefusedByVddkError, "not a SHA-1"),
    ],
)
def test_wrong_access_is_told_in_our_words(
    workplace: Workplace, wrong: dict[str, str], kind: type[ApplianceError], said: str
) -> None:
    with pytest.raises(kind, match=said) as caught:
        workplace.back_up(workplace.backup_task(replace(workplace.access(), **wrong)))

    assert not caught.value.transient


def test_a_defect_is_reported_as_one(workplace: Workplace) -> None:
    task = workplace.backup_task()

    with pytest.raises(ApplianceError, match="ZeroDivisionError") as caught:
        workplace.back_up(replace(task, key=replace(task.key, block_size=0)))

    assert caught.value.code == "KL-0000"
