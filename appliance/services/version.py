"""Which Keepline this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def software_version() -> str:
    """The installed version, or a word for a checkout that was never installed."""
    try:
        return version("keepline")
    except PackageNotFoundError:
        return "0 (not installed)"
