"""How a machine is backed up, from snapshot to recovery point."""

from appliance.capture.backup_run import BackupHandler

__all__ = ["BackupHandler"]
