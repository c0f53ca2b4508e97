from __future__ import annotations

import stat
from pathlib import Path

import pytest

from appliance.security import ConsolePasswordFile, ConsolePasswordFileError

PASSWORD = "four words make one"


def test_the_password_that_was_put_matches_and_no_other(tmp_path: Path) -> None:
    passwords = ConsolePasswordFile(tmp_path)
    passwords.put(PASSWORD)

    assert passwords.matches(PASSWORD)
    assert not passwords.matches(PASSWORD + " ")


def test_nothing_matches_before_the_first(tmp_path: Path) -> None:
    passwords = ConsolePasswordFile(tmp_path)

    assert not passwords.matches("")
    assert not passwords.stamp()


def test_the_file_is_for_its_owner_and_does_not_hold_the_password(tmp_path: Path) -> None:
    ConsolePasswordFile(tmp_path).put(PASSWORD)

    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("$argon2id$")
    assert PASSWORD not in file.read_text()


def test_the_stamp_changes_with_each_put(tmp_path: Path) -> None:
    passwords = ConsolePasswordFile(tmp_path)
    passwords.put(PASSWORD)
    first = passwords.stamp()
    passwords.put(PASSWORD)

    assert first
    assert passwords.stamp() != first


@pytest.mark.parametrize("content", [b"", b"not a digest", b"\xff\xfe", b"$argon2id$v=19$m=1"])
def test_a_damaged_file_is_said_to_be_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "console-password").write_bytes(content)

    with pytest.raises(ConsolePasswordFileError):
        ConsolePasswordFile(tmp_path).matches(PASSWORD)


def test_a_missing_folder_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(ConsolePasswordFileError, match="No such file"):
        ConsolePasswordFile(tmp_path / "gone").put(PASSWORD)
