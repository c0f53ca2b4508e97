from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.model.disk_tasks import TargetFormat, TaskDocument, TaskMessage
from appliance.model.extents import Extent
from appliance.model.units import KIB, MIB
from appliance.repository.task_files import write_extents
from keepline_lab import Disk, Machine
from tests.simulated.mover.conftest import CONTENT, MakeWorkplace
from tests.simulated.mover.workplace import BLOCK, Workplace, ignore

pytestmark = pytest.mark.simulated


def test_a_disk_comes_back_byte_for_byte_while_the_guest_goes_on_writing(
    workplace: Workplace, tmp_path: Path
) -> None:
    workplace.lab.control.write_random("web-01", 0, offset=0, length=4 << 20, seed=9)

    result = workplace.back_up()
    workplace.restore(workplace.plan(result.draft), tmp_path / "disk.raw")

    assert (tmp_path / "disk.raw").read_bytes() == CONTENT
    assert result.transport_mode == "nbdssl"
    assert result.statistics.read == len(CONTENT)


@pytest.mark.parametrize("block_size", [64 * KIB, 4 * MIB])
def test_memory_stays_bounded_at_four_workers(workplace_with: MakeWorkplace, block_size: int) -> None:
    workplace = workplace_with(content=CONTENT * 8)
    task = workplace.backup_task(workers=4)

    result = workplace.back_up(
        replace(task, compression_level=3, key=replace(task.key, block_size=block_size))
    )

    assert 0 < result.peak_anonymous_memory < 128 * MIB


@pytest.mark.parametrize("target_format", [TargetFormat.QCOW2, TargetFormat.VMDK])
def test_a_disk_comes_back_as_an_image_that_qemu_reads(
    workplace: Workplace, tmp_path: Path, target_format: TargetFormat
) -> None:
    image = tmp_path / f"disk.{target_format}"
    result = workplace.back_up()

    workplace.restore(workplace.plan(result.draft), image, target_format)

    raw = tmp_path / "image.raw"
    subprocess.run(["qemu-img", "check", image], check=True, capture_output=True)
    subprocess.run(
        ["qemu-img", "compare", "-f", "raw", "-F", target_format, raw, image], check=True, capture_output=True
    )


def test_only_the_named_extents_are_read_in_whole_blocks(workplace: Workplace) -> None:
    task = workplace.backup_task()
    extents = [Extent(100, 1), Extent(3 * BLOCK - 1, 2), Extent(len(CONTENT) - 512, 512)]
    write_extents(Path(task.folder) / "extents", extents, BLOCK, len(CONTENT))

    result = workplace.back_up(task)

    assert result.statistics.read == 3 * BLOCK + 512
    assert sorted(row.block for row in workplace.rows(result.draft)) == [0, 2, 3]


def test_unallocated_parts_are_not_read_in_a_first_full(workplace: Workplace, tmp_path: Path) -> None:
    task = replace(workplace.backup_task(), use_allocated_blocks=True)

    result = workplace.back_up(task)

    assert result.statistics.read < len(CONTENT) - 8 * (1 << 20)
    workplace.restore(workplace.plan(result.draft), tmp_path / "disk.raw")
    assert (tmp_path / "disk.raw").read_bytes() == CONTENT


def test_progress_ends_at_what_was_planned(workplace: Workplace) -> None:
    heard: list[TaskMessage] = []

    workplace.back_up(on_message=heard.append)

    last = [message.progress for message in heard if message.progress][-1]
    assert last.done == last.planned == len(CONTENT)
    assert last.disk == "web-01 / Hard disk 1"


def test_a_disk_is_restored_into_a_new_machine_and_read_back(workplace_with: MakeWorkplace) -> None:
    target = Machine("restored", (Disk(size=len(CONTENT)),), power="off")
    workplace = workplace_with(target)
    disk_path = workplace.lab.control.machine("restored").disks[0].file
    plan = workplace.plan(workplace.back_up().draft)
    task = workplace.restore_to_disk_task(plan, "restored", disk_path, len(CONTENT))

    result = workplace.pool.run(TaskDocument(restore_vddk=task), ignore, threading.Event())

    assert workplace.lab.disk_bytes("restored") == CONTENT
    assert 0 < result.read_back < result.written < len(CONTENT)
    assert result.transport_mode == "nbdssl"


def test_zeros_are_written_over_what_a_used_disk_holds(workplace_with: MakeWorkplace, tmp_path: Path) -> None:
    used = tmp_path / "used.raw"
    used.write_bytes(b"old!" * (len(CONTENT) // 4))
    workplace = workplace_with(Machine("restored", (Disk(image=used),), power="off"))
    disk_path = workplace.lab.control.machine("restored").disks[0].file
    plan = workplace.plan(workplace.back_up().draft, zeros=True)
    task = workplace.restore_to_disk_task(plan, "restored", disk_path, len(CONTENT))

    workplace.pool.run(
        TaskDocument(restore_vddk=replace(task, target_is_zero=False)), ignore, threading.Event()
    )

    assert workplace.lab.disk_bytes("restored") == CONTENT


def test_verification_finds_exactly_the_damaged_blocks(workplace: Workplace) -> None:
    result = workplace.back_up()
    damaged = [row for row in workplace.rows(result.draft) if row.block in {1, 5}]
    for row in damaged:
        path = workplace.folder / "repository" / "segments" / row.location.segment[:2] / row.location.segment
        content = bytearray(path.read_bytes())
        content[row.location.offset + 10] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)
    task = workplace.verify_task(workplace.plan(result.draft))

    verdict = workplace.pool.run(TaskDocument(verify_image=task), ignore, threading.Event())

    assert verdict.damaged_blocks == tuple(sorted(row.block for row in damaged))
    assert verdict.damaged_blocks


def test_a_missing_segment_damages_every_block_in_it(workplace: Workplace) -> None:
    result = workplace.back_up()
    rows = workplace.rows(result.draft)
    task = workplace.verify_task(workplace.plan(result.draft))
    for path in (workplace.folder / "repository" / "segments").glob("*/*"):
        path.unlink()

    verdict = workplace.pool.run(TaskDocument(verify_image=task), ignore, threading.Event())

    assert verdict.damaged_blocks == tuple(sorted(row.block for row in rows))
