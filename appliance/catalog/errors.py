"""Block maps that are not what was written."""

from __future__ import annotations

from appliance.errors import DamageError


class DamagedMapError(DamageError):
    """A block map is missing, cut short, changed, or not the map that the manifest names."""

    code = "KL-4508"
