"""What can go wrong between the engine and its movers."""

from __future__ import annotations

from appliance.errors import RunCancelledError, RunError


class TaskCancelledError(RunCancelledError):
    """Somebody asked for the end of the run while a mover worked for it."""

    code = "KL-5050"
    remedy = "Nothing to do: what the mover had finished stays for the next attempt."


class MoverDiedError(RunError):
    """A mover ended without saying how its task went."""

    code = "KL-5051"
    remedy = (
        "The run is tried again by itself; if it happens again, look at the mover's last words in the log."
    )
    transient = True


class MoverStalledError(RunError):
    """A mover said nothing for so long that it was ended."""

    code = "KL-5052"
    remedy = "The run is tried again by itself; if it happens again, check the load of the appliance."
    transient = True


class MoverProtocolError(RunError):
    """A mover wrote something that is not a message: engine and mover are not of one version."""

    code = "KL-5053"
    remedy = "Restart the appliance's services, so that all run the installed version."
