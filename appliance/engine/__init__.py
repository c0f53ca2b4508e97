"""The engine: claims runs, has them carried out, and cleans up after engines that died."""

from appliance.engine.engine import Engine, EngineLimits
from appliance.engine.errors import EngineLockError, EngineRunningError, NoHandlerError, TooManyAttemptsError
from appliance.engine.lock import EngineLock
from appliance.engine.mover_locks import FolderMoverLocks
from appliance.engine.ports import CrashRecovery, RunHandler
from appliance.engine.start import CrashStart

__all__ = [
    "CrashRecovery",
    "CrashStart",
    "Engine",
    "EngineLimits",
    "EngineLock",
    "EngineLockError",
    "EngineRunningError",
    "FolderMoverLocks",
    "NoHandlerError",
    "RunHandler",
    "TooManyAttemptsError",
]
