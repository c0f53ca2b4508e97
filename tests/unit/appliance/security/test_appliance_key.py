from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from appliance.security import ApplianceKeyError, ApplianceKeyExposedError, read_or_create_key
from appliance.security.appliance_key import KEY_FILE


def test_the_key_is_made_once_for_its_owners_eyes_only(tmp_path: Path) -> None:
    key = read_or_create_key(tmp_path)

    assert len(key) == 32
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert read_or_create_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_all_who_ask_at_once_get_the_same_key(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)
    keys: list[bytes] = []

    def ask() -> None:
        barrier.wait()
        keys.append(read_or_create_key(tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    read_or_create_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(ApplianceKeyExposedError, match=f"{mode:04o}"):
        read_or_create_key(tmp_path)


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY_FILE).write_bytes(content)
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(ApplianceKeyError, match="32 bytes"):
        read_or_create_key(tmp_path)


def test_a_link_in_the_keys_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(bytes(32))
    (tmp_path / "elsewhere").chmod(0o600)
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ApplianceKeyError):
        read_or_create_key(tmp_path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ApplianceKeyError, match="nowhere"):
        read_or_create_key(tmp_path / "nowhere")
