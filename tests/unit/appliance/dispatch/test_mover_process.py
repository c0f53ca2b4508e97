from __future__ import annotations

import sys
from pathlib import Path

import pytest

from appliance.dispatch.mover_process import MoverProcess


def test_a_mover_loads_no_code_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "appliance").mkdir()
    (tmp_path / "appliance" / "__init__.py").write_text("raise SystemExit(99)")
    monkeypatch.chdir(tmp_path)

    with MoverProcess(sys.executable, None, 30) as mover:
        mover.tell(b"no task")

        assert mover.wait_for_end() == 1
        assert "ValueError" in mover.last_words() or "DecodeError" in mover.last_words()
