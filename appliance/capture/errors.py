"""What can end a backup besides its adapters' own errors."""

from __future__ import annotations

from appliance.errors import InputError, RunError


class MachineNotCapturableError(InputError):
    """This machine cannot be backed up at all."""

    code = "KL-1301"
    remedy = "Choose another machine; `keepline vm list` shows which ones can be backed up."

    def __init__(self, machine: str, reason: str) -> None:
        super().__init__(f"{machine} cannot be backed up: {reason}")


class NoDiskCapturedError(RunError):
    """Every disk of the machine is excluded."""

    code = "KL-5101"
    remedy = (
        "Change the disks' mode in vCenter (independent disks are not part of snapshots) and start again."
    )

    def __init__(self, machine: str, disks: str) -> None:
        super().__init__(f"{machine} has no disk that a snapshot can hold: {disks}")


class LostSnapshotError(RunError):
    """The run's snapshot vanished while its disks were read."""

    code = "KL-5102"
    remedy = "Nothing was lost; see in vCenter's Recent Tasks who removed it, and start the run again."
    transient = True

    def __init__(self, machine: str, snapshot: str) -> None:
        super().__init__(f"snapshot {snapshot} of {machine} was removed while Keepline was reading it")
