"""What can end a restore besides its adapters' own errors."""

from __future__ import annotations

from appliance.errors import DamageError


class DamagedBlocksError(DamageError):
    """A point has blocks that cannot be read back."""

    code = "KL-4550"
    remedy = "Restore another point of the machine; look for what is missing in a copy of the repository."
