"""A recovery point as files or as a new machine, and the proof that it can be read."""

from appliance.restore.disk_restore import RestoreDiskHandler
from appliance.restore.machine_restore import RestoreMachineHandler
from appliance.restore.verification import CheckHandler, VerifyHandler

__all__ = ["CheckHandler", "RestoreDiskHandler", "RestoreMachineHandler", "VerifyHandler"]
