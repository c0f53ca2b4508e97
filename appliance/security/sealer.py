"""Sealing secrets at rest: AES-256-GCM under the appliance's key (rule 14).

Sealed form: one byte version (1), 12 bytes nonce, then ciphertext with its 16-byte tag. What the secret is
for is authenticated with it, so that a sealed password cannot be moved to another vCenter's row.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from appliance.security.errors import SecretUnreadableError

_VERSION = b"\x01"
_NONCE_SIZE = 12


class SecretSealer:
    """Seals and unseals with one key; shows nothing of it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, purpose: str, secret: str) -> bytes:
        """The form of `secret` that may be stored; a new one on every call."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), purpose.encode())

    def unseal(self, purpose: str, sealed: bytes) -> str:
        """The secret that was sealed for `purpose`.

        Raises:
            SecretUnreadableError: another key, another purpose, or changed bytes.
        """
        version, nonce, content = sealed[:1], sealed[1 : 1 + _NONCE_SIZE], sealed[1 + _NONCE_SIZE :]
        if version != _VERSION or len(nonce) != _NONCE_SIZE:
            raise SecretUnreadableError(f"the secret of {purpose} is not in a form this version knows")
        try:
            return self._cipher.decrypt(nonce, content, purpose.encode()).decode()
        except InvalidTag as error:
            raise SecretUnreadableError(f"the secret of {purpose} does not open with this key") from error


def notifier_secret_purpose(destination: str) -> str:
    """What the secret of a notifier is sealed for: it never goes to another server or account."""
    return f"notifier {destination}"


def vcenter_password_purpose(vcenter: str) -> str:
    """What the password of a vCenter is sealed for."""
    return f"vCenter {vcenter}"
