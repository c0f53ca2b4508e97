"""Why a place that exists cannot take a restored machine."""

from __future__ import annotations

from appliance.errors import InputError


class TargetUnusableError(InputError):
    """A host, datastore or network is there, but cannot be used, or not together with another one."""

    code = "KL-1240"
    remedy = "Choose another place in step one; nothing was created."
