"""How a name that a person wrote finds its object among inventory paths. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def matching_paths(wanted: str, paths: Iterable[str], within: str = "") -> list[str]:
    """Those of `paths` below `within` that are `wanted`, or that end with it where it is no whole path.

    `within` is the path of a datacenter, or empty for the whole inventory; `/Paris-2` is not within `/Paris`.
    """
    below = [path for path in paths if path.startswith(f"{within}/")]
    if not wanted or wanted.startswith("/"):
        return [path for path in below if path == wanted]
    return [path for path in below if path.endswith(f"/{wanted}")]
