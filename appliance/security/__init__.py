"""The appliance's key and the secrets it seals."""

from appliance.security.appliance_key import read_or_create_key
from appliance.security.console_password import ConsolePasswordFile
from appliance.security.errors import (
    ApplianceKeyError,
    ApplianceKeyExposedError,
    ConsolePasswordFileError,
    SecretUnreadableError,
)
from appliance.security.sealer import SecretSealer, notifier_secret_purpose, vcenter_password_purpose

__all__ = [
    "ApplianceKeyError",
    "ApplianceKeyExposedError",
    "ConsolePasswordFile",
    "ConsolePasswordFileError",
    "SecretSealer",
    "SecretUnreadableError",
    "notifier_secret_purpose",
    "read_or_create_key",
    "vcenter_password_purpose",
]
