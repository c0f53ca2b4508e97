"""What console and command line can ask for wrongly."""

from __future__ import annotations

from appliance.errors import InputError


class ThumbprintNotConfirmedError(InputError):
    """Nobody has said yet that the certificate a vCenter presents is the right one."""

    code = "KL-1002"
    remedy = (
        "Compare the thumbprint in the message with vCenter's own (vSphere Client, Administration, "
        "Certificates), then add `--thumbprint` with it to the command."
    )


class ThumbprintDiffersError(InputError):
    """The thumbprint that was given is not that of the certificate vCenter presents."""

    code = "KL-1003"
    remedy = "Compare both with vCenter's own; if they stay different, somebody is between you and vCenter."


class NoVcenterError(InputError):
    """Which vCenter is meant cannot be told: there is none, or there are several."""

    code = "KL-1004"
    remedy = "Add one with `keepline vcenter add`, or name one with `--vcenter`."


class TargetExistsError(InputError):
    """The file that a disk is to be restored to exists already."""

    code = "KL-1005"
    remedy = "Name a file that does not exist yet: Keepline never overwrites one."


class TargetFolderError(InputError):
    """The folder that a disk is to be restored to is missing or cannot be written."""

    code = "KL-1006"
    remedy = "Make the folder, or name another one that this user may write to."


class DiskNotFoundError(InputError):
    """The recovery point has no disk of this name, or several."""

    code = "KL-1007"
    remedy = "Look at the point's disks with `keepline point show`, and use a label or a device key."


class MachineIsTemplateError(InputError):
    """A template has no snapshots, so it cannot be backed up."""

    code = "KL-1008"
    remedy = "Convert the template to a machine first."


class StillInUseError(InputError):
    """Something cannot be removed while a run needs it or has left something behind there."""

    code = "KL-1009"
    remedy = "Wait for the run named in the message, or let an engine clean up after it, then try again."


class RunNotRepeatableError(InputError):
    """A run cannot be repeated, because it has done what it was asked to do."""

    code = "KL-1012"
    remedy = "Ask for a new run, with `keepline backup` or `keepline restore`."
