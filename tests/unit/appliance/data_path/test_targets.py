from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.data_path.buffers import PageBuffer
from appliance.data_path.errors import OutputExistsError, OutputFolderError, OutputFullError
from appliance.data_path.new_file import new_file
from appliance.data_path.plans import rows_by_block
from appliance.data_path.qcow2_target import CLUSTER, Qcow2Layout, Qcow2Target, refcount_clusters
from appliance.data_path.raw_target import RawTarget
from appliance.data_path.restore_stream import write_in_order
from appliance.data_path.stream_vmdk_target import StreamVmdkTarget
from appliance.data_path.write_plan import plan_segment_reads
from tests.fakes.disks import MemoryDisk
from tests.unit.appliance.data_path.round_trip import BLOCK, BackedUp, back_up, disk_content

CONTENTS = [
    pytest.param(disk_content("ab..ca" * 4), id="whole blocks"),
    pytest.param(disk_content("a.b", 512 * 5), id="short last block"),
    pytest.param(disk_content("." * 40), id="all zero"),
    pytest.param(disk_content("a" + "." * 600 + "b" + "." * 1100 + "c"), id="several grain tables"),
]


def qemu_img(*arguments: str | Path) -> str:
    result = subprocess.run(["qemu-img", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def write_qcow2(backed_up: BackedUp, capacity: int, path: Path) -> None:
    with new_file(path) as file:
        target = Qcow2Target(file, capacity)
        backed_up.chain(capacity).write_in_any_order(backed_up.reads(), target, workers=3)
        target.finish()


def write_vmdk(backed_up: BackedUp, capacity: int, path: Path) -> None:
    rows = backed_up.rows
    ordered = [rows[number] for number in rows_by_block(enumerate(row.block for row in rows))]
    with new_file(path) as file:
        target = StreamVmdkTarget(file, capacity)
        reads = plan_segment_reads(ordered, 2 * BLOCK)
        write_in_order(backed_up.chain(capacity), reads, target, workers=3)
        target.finish()


@pytest.mark.parametrize("content", CONTENTS)
def test_qemu_finds_the_qcow2_image_whole_and_equal(tmp_path: Path, content: bytes) -> None:
    raw = tmp_path / "expected.raw"
    raw.write_bytes(content)
    image = tmp_path / "disk.qcow2"

    write_qcow2(back_up(tmp_path / "repository", MemoryDisk(content)), len(content), image)

    verdict = json.loads(qemu_img("check", "--output=json", image))
    assert verdict["check-errors"] == 0
    assert "leaks" not in verdict
    assert "corruptions" not in verdict
    qemu_img("compare", "--force-share", "-f", "raw", "-F", "qcow2", raw, image)


@pytest.mark.parametrize("content", CONTENTS)
def test_qemu_finds_the_stream_vmdk_whole_and_equal(tmp_path: Path, content: bytes) -> None:
    raw = tmp_path / "expected.raw"
    raw.write_bytes(content)
    image = tmp_path / "disk.vmdk"

    write_vmdk(back_up(tmp_path / "repository", MemoryDisk(content)), len(content), image)

    information = json.loads(qemu_img("info", "--output=json", image))
    assert information["format-specific"]["data"]["create-type"] == "streamOptimized"
    assert information["virtual-size"] == len(content)
    qemu_img("check", image)
    qemu_img("compare", "--force-share", "-f", "raw", "-F", "vmdk", raw, image)


def test_a_qcow2_image_of_several_tables_is_whole_and_equal(tmp_path: Path) -> None:
    capacity, block = 3 << 30, PageBuffer(4 * CLUSTER).memory
    block[:] = random.Random(1).randbytes(len(block))
    offsets = [2 << 30, 0, (512 << 20) - len(block), 512 << 20, capacity - len(block)]
    with (tmp_path / "expected.raw").open("wb") as raw, new_file(tmp_path / "disk.qcow2") as file:
        raw.truncate(capacity)
        target = Qcow2Target(file, capacity)
        for offset in offsets:
            raw.seek(offset)
            raw.write(block)
            target.write_blocks(offset, block)
        target.finish()

    assert json.loads(qemu_img("check", "--output=json", tmp_path / "disk.qcow2"))["check-errors"] == 0
    qemu_img("compare", "-U", "-f", "raw", "-F", "qcow2", tmp_path / "expected.raw", tmp_path / "disk.qcow2")


@given(st.integers(1, 62 * 2**40))
def test_qcow2_tables_address_every_byte(capacity: int) -> None:
    layout = Qcow2Layout(capacity)

    assert (layout.l2_tables - 1) * 8192 * CLUSTER < capacity <= layout.l2_tables * 8192 * CLUSTER
    assert layout.l1_clusters * CLUSTER >= layout.l2_tables * 8
    assert layout.first_l2_cluster + layout.l2_tables == layout.first_data_cluster


@given(st.integers(1, 2**31))
def test_refcounts_cover_every_cluster_including_their_own(used: int) -> None:
    table, blocks = refcount_clusters(used)

    assert blocks * CLUSTER // 2 >= used + table + blocks
    assert table * CLUSTER // 8 >= blocks


def test_a_raw_file_takes_no_space_for_zeros(tmp_path: Path) -> None:
    capacity = 1 << 30
    with new_file(tmp_path / "disk.raw") as file:
        RawTarget(file, capacity).finish()

    status = (tmp_path / "disk.raw").stat()
    assert status.st_size == capacity
    assert status.st_blocks * 512 < 1 << 20


def test_an_existing_file_is_refused_and_untouched(tmp_path: Path) -> None:
    target = tmp_path / "disk.raw"
    target.write_text("precious")

    with pytest.raises(OutputExistsError, match="exists already"), new_file(target):
        pass

    assert target.read_text() == "precious"


def test_a_dangling_link_counts_as_an_existing_file(tmp_path: Path) -> None:
    target = tmp_path / "disk.raw"
    target.symlink_to(tmp_path / "nowhere")

    with pytest.raises(OutputExistsError), new_file(target):
        pass


def test_a_file_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "disk.raw"

    def overtaken() -> None:
        with new_file(target) as file:
            target.write_text("precious")
            file.publish()

    with pytest.raises(OutputExistsError):
        overtaken()

    assert [path.name for path in tmp_path.iterdir()] == ["disk.raw"]
    assert target.read_text() == "precious"


def test_an_unfinished_file_leaves_nothing(tmp_path: Path) -> None:
    with new_file(tmp_path / "disk.raw") as file:
        file.write(0, b"half")

    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(OutputFolderError, match="cannot be made"), new_file(tmp_path / "no" / "disk.raw"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_space_is_told_with_the_name_of_the_target(tmp_path: Path) -> None:
    with pytest.raises(OutputFullError, match=r"disk\.raw"), new_file(tmp_path / "disk.raw") as file:
        file.write(2**63 - 8192, b"x")

    assert list(tmp_path.iterdir()) == []
