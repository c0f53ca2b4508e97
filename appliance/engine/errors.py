"""What the engine itself has to say."""

from __future__ import annotations

from appliance.errors import ApplianceStateError, RunError


class EngineRunningError(ApplianceStateError):
    """Another process is the engine of this state folder."""

    code = "KL-6040"
    remedy = "Nothing to do: the process named in the message works through the queue."

    def __init__(self, folder: str, process_id: int | None) -> None:
        holder = "another process" if process_id is None else f"process {process_id}"
        super().__init__(f"the engine of {folder} is {holder}")


class EngineLockError(ApplianceStateError):
    """The engine's lock file cannot be made or locked."""

    code = "KL-6041"
    remedy = "Make the state folder writable for this user; it must lie on a local file system."


class TooManyAttemptsError(RunError):
    """The engine died in every attempt of this run."""

    code = "KL-5010"
    remedy = "Look in the system's journal for why keepline ended (memory, power), then start the run again."


class NoHandlerError(RunError):
    """This appliance cannot do what the run asks for."""

    code = "KL-5011"
    remedy = "The run was asked for by another version of Keepline: install that one, or ask for it again."
