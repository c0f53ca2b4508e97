from __future__ import annotations

import stat
from pathlib import Path

from appliance.model.identifiers import InstallationId, RunId
from appliance.run_context import MoverSettings, RunFolder

RUN = RunId("20260101T000000Z-00000001")


def folder_in(path: Path) -> RunFolder:
    return RunFolder.of(MoverSettings(path / "vddk", path / "runs", InstallationId("i")), RUN)


def test_what_is_kept_is_there_for_the_next_attempt(tmp_path: Path) -> None:
    folder_in(tmp_path).keep("pending", b"one")
    folder_in(tmp_path).keep("pending", b"two")

    assert folder_in(tmp_path).kept("pending") == b"two"
    assert folder_in(tmp_path).kept("other") is None


def test_a_half_written_file_is_not_what_was_kept(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.keep("pending", b"whole")
    (folder.path / "pending.new").write_bytes(b"ha")

    assert folder_in(tmp_path).kept("pending") == b"whole"


def test_a_task_folder_is_empty_and_private(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    (folder.task("disk-2000", 1) / "extents").write_bytes(b"old")

    again = folder.task("disk-2000", 1)

    assert list(again.iterdir()) == []
    assert stat.S_IMODE(again.stat().st_mode) == 0o700


def test_vddk_finds_its_temporary_folder_again_in_every_attempt(tmp_path: Path) -> None:
    first = folder_in(tmp_path).vddk_temporary
    (first / "hot-added").write_text("disk")

    assert folder_in(tmp_path).vddk_temporary == first
    assert (first / "hot-added").exists()


def test_an_ended_run_leaves_no_folder(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    folder.keep("pending", b"x")

    folder.remove()

    assert not folder.path.exists()
