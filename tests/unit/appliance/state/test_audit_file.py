from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.state import AuditFile, AuditFileError

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def test_each_record_is_one_line_in_order(tmp_path: Path) -> None:
    trail = AuditFile(tmp_path)
    trail.record(NOW, "admin", "127.0.0.1", "sign in", "")
    trail.record(NOW, "admin", "127.0.0.1", "remove vCenter", "paris\nand more")

    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["sign in", "remove vCenter"]
    assert lines[1] == {
        "at": "2026-11-22T03:00:00Z",
        "actor": "admin",
        "source": "127.0.0.1",
        "action": "remove vCenter",
        "subject": "paris\nand more",
    }


def test_it_is_for_its_owner(tmp_path: Path) -> None:
    AuditFile(tmp_path).record(NOW, "admin", "127.0.0.1", "sign in", "")

    assert stat.S_IMODE((tmp_path / "audit.jsonl").stat().st_mode) == 0o600


def test_a_trail_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AuditFileError, match="No such file"):
        AuditFile(tmp_path / "gone").record(NOW, "admin", "127.0.0.1", "sign in", "")
