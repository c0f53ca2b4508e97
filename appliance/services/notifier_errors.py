"""What can be wrong with the notifier as an admin words it."""

from __future__ import annotations

from appliance.errors import InputError


class NotifierRefusedError(InputError):
    """A word of the notifier's settings cannot be meant."""

    code = "KL-1220"
    remedy = "Correct what the message names; `keepline notifier set-email --help` has examples."


class NoNotifierError(InputError):
    """No notifier was set."""

    code = "KL-1221"
    remedy = "Set one with `keepline notifier set-email` or `keepline notifier set-webhook`."
