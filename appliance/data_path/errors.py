"""What can go wrong at the file a disk is restored to."""

from __future__ import annotations

from appliance.errors import InputError, RunError


class OutputExistsError(InputError):
    """There is a file of that name already; it was not touched."""

    code = "KL-1060"
    remedy = "Name a file that does not exist, or remove the old one first."


class OutputFolderError(InputError):
    """The folder of the file to be made cannot be written to."""

    code = "KL-1061"
    remedy = "Name a folder that exists and that the appliance's user may write to."


class OutputTooLargeError(InputError):
    """The disk does not fit into the format that was asked for."""

    code = "KL-1062"
    remedy = "Restore to qcow2 or raw."


class OutputFullError(RunError):
    """There is no room for the disk where it is restored to."""

    code = "KL-5060"
    remedy = "Make room or restore to another place; nothing was left behind."


class OutputFailedError(RunError):
    """The operating system could not write the file a disk is restored to."""

    code = "KL-5061"
    remedy = "Check the disk or share the file was to be written to; nothing was left behind."


class ReadBackError(RunError):
    """A restored disk does not hold what was written to it."""

    code = "KL-5062"
    remedy = "Do not use the restored disk; check the datastore and restore again."
