"""What keeps runs from acting at all."""

from __future__ import annotations

from appliance.errors import ApplianceStateError


class DuplicateInstallationError(ApplianceStateError):
    """Two appliances use one installation id: each would take the other's snapshots for its own leftovers."""

    code = "KL-6042"
    remedy = (
        "If the other one is gone for good, run `keepline installation claim` here. If both are to live, run "
        "`keepline installation renew` on the copy, then `keepline installation claim` on the other one."
    )
