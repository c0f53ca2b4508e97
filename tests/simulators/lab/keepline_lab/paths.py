"""Where things lie in the checkout: the laboratory is always used from one."""

from __future__ import annotations

from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parents[4]
SIMULATORS_FOLDER = PROJECT_FOLDER / "tests" / "simulators"
BUILD_FOLDER = PROJECT_FOLDER / "build"
