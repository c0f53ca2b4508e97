"""What can be wrong with a policy as an admin words it."""

from __future__ import annotations

from appliance.errors import InputError


class PolicyRefusedError(InputError):
    """A word of a policy cannot be meant: schedule, time zone, selection, retention or name."""

    code = "KL-1010"
    remedy = "Correct what the message names; `keepline policy add --help` has examples."


class LongSimulationError(InputError):
    """A simulation would have more due times than anybody reads."""

    code = "KL-1011"
    remedy = "Simulate fewer days."
