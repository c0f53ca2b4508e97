"""The notifier's way out: e-mail and webhook, each with verified certificates and one clear error a cause."""

from appliance.notifications.channels import open_channel
from appliance.notifications.delivery import Channel, Delivery
from appliance.notifications.documents import SCHEMA, Origin
from appliance.notifications.errors import (
    CertificateNotTrustedError,
    EncryptionNotOfferedError,
    LoginRefusedError,
    MessageRefusedError,
    PlainHttpRefusedError,
    ReceiverUnreachableError,
    RecipientsRefusedError,
    WebhookFailedError,
    WebhookMovedError,
    WebhookRefusedError,
)
from appliance.notifications.trust import AuthoritiesUnusableError
from appliance.notifications.webhook import SIGNATURE_HEADER, signature_of

__all__ = [
    "SCHEMA",
    "SIGNATURE_HEADER",
    "AuthoritiesUnusableError",
    "CertificateNotTrustedError",
    "Channel",
    "Delivery",
    "EncryptionNotOfferedError",
    "LoginRefusedError",
    "MessageRefusedError",
    "Origin",
    "PlainHttpRefusedError",
    "ReceiverUnreachableError",
    "RecipientsRefusedError",
    "WebhookFailedError",
    "WebhookMovedError",
    "WebhookRefusedError",
    "open_channel",
    "signature_of",
]
