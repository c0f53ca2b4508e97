from __future__ import annotations

from pathlib import Path

import pytest

from appliance.settings import LogLevel, Settings, SettingsError, read_settings


def test_defaults_hold_where_nothing_is_set(tmp_path: Path) -> None:
    file = tmp_path / "keepline.toml"
    file.write_text("")
    settings = read_settings(file)
    assert (settings.workers_per_disk, settings.compression_level, settings.log_level) == (
        4,
        1,
        LogLevel.WARNING,
    )


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keepline.toml"
    file.write_text('workers_per_disk = 7\nconcurrent_movers = 2\nlog_level = "debug"\n')
    monkeypatch.setenv("KEEPLINE_WORKERS_PER_DISK", "3")
    monkeypatch.setenv("KEEPLINE_STATE_FOLDER", str(tmp_path))

    settings = read_settings(file)

    assert (settings.workers_per_disk, settings.concurrent_movers) == (3, 2)
    assert (settings.log_level, settings.state_folder) == (LogLevel.DEBUG, tmp_path)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("workers_per_disk = 0", "workers_per_disk"),
        ('transport_modes = "nbd:carrier-pigeon"', "transport_modes"),
        ("read_back_percent = 101", "read_back_percent"),
        ("no_such_setting = 1", "no_such_setting"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, content: str, name: str) -> None:
    file = tmp_path / "keepline.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=name):
        read_settings(file)


def test_a_file_that_was_named_must_be_there_and_be_toml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        read_settings(tmp_path / "nowhere.toml")
    (tmp_path / "broken.toml").write_text("a = = b")
    with pytest.raises(SettingsError, match=r"broken\.toml"):
        read_settings(tmp_path / "broken.toml")


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())
