"""What can be wrong with the appliance's key and with what it sealed."""

from __future__ import annotations

from appliance.errors import ApplianceStateError


class ApplianceKeyError(ApplianceStateError):
    """The appliance's key file cannot be read or made, or does not hold a key."""

    code = "KL-6030"
    remedy = (
        "Put the key file back from the appliance's own backup; without it vCenter passwords must be "
        "entered again: remove the file, then remove and add each vCenter."
    )


class ApplianceKeyExposedError(ApplianceKeyError):
    """Others than its owner may read or change the appliance's key."""

    code = "KL-6031"
    remedy = (
        "Change the passwords of the vCenter accounts if others could log in to this machine, "
        "then run `chmod 600` on the file."
    )


class SecretUnreadableError(ApplianceStateError):
    """A sealed secret does not open with this appliance's key."""

    code = "KL-6032"
    remedy = "The key file is not the one that sealed it: put the right one back, or add the vCenter again."


class ConsolePasswordFileError(ApplianceStateError):
    """The file with the digest of the console's password cannot be read or written, or holds no digest."""

    code = "KL-6033"
    remedy = "Check the state folder, then set the password again with `keepline console password`."
