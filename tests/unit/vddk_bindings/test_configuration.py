"""The file that InitEx reads."""

import stat
from pathlib import Path

import pytest

from vddk_bindings import InvalidArgumentError, write_configuration

SIZE = "vixDiskLib.nfcAio.Session.BufSizeIn64KB"
COUNT = "vixDiskLib.nfcAio.Session.BufCount"


def test_settings_are_written_one_a_line_with_texts_quoted(tmp_path: Path) -> None:
    path = write_configuration(
        tmp_path / "vddk.conf",
        {"tmpDirectory": tmp_path / "tmp", "vixDiskLib.transport.LogLevel": 4, "vixDiskLib.phoneHome": "off"},
    )

    assert path.read_text() == (
        f'tmpDirectory="{tmp_path}/tmp"\nvixDiskLib.transport.LogLevel=4\nvixDiskLib.phoneHome="off"\n'
    )


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    path = write_configuration(tmp_path / "vddk.conf", {})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_older_file_is_replaced(tmp_path: Path) -> None:
    path = write_configuration(tmp_path / "vddk.conf", {"tmpDirectory": "/a/much/longer/value"})

    write_configuration(path, {"a": 1})

    assert path.read_text() == "a=1\n"


@pytest.mark.parametrize(
    "settings",
    [
        {"two words": 1},
        {"": 1},
        {"key": "line\nend"},
        {"key": 'a "quote"'},
        {"vixDiskLib.nfcAio.Session.BufSizeIn64K": 16},
        {SIZE: 64, COUNT: 5},
        {SIZE: 65},
    ],
)
def test_settings_that_vddk_misreads_are_refused_and_nothing_is_written(
    tmp_path: Path, settings: dict[str, str | int | Path]
) -> None:
    with pytest.raises(InvalidArgumentError):
        write_configuration(tmp_path / "vddk.conf", settings)

    assert not (tmp_path / "vddk.conf").exists()


def test_largest_session_buffers_are_accepted(tmp_path: Path) -> None:
    path = write_configuration(tmp_path / "vddk.conf", {SIZE: 64, COUNT: 4})

    assert path.read_text() == f"{SIZE}=64\n{COUNT}=4\n"
