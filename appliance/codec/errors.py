"""Stored blocks that are not what was written."""

from __future__ import annotations

from appliance.errors import DamageError


class DamagedBlockError(DamageError):
    """The stored bytes of one block do not decode to the bytes that were written."""

    code = "KL-4502"
