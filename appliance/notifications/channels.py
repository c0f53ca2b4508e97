"""The one way out that an admin has chosen."""

from __future__ import annotations

from appliance.model.notifications import EmailNotifier, Notifier
from appliance.notifications.delivery import Channel
from appliance.notifications.mail import MailChannel
from appliance.notifications.webhook import WebhookChannel


def open_channel(notifier: Notifier, secret: str) -> Channel:
    """The way to this notifier; `secret` is the password or the signing key. Nothing is connected yet.

    Raises:
        AuthoritiesUnusableError: its own authorities are no certificates.
    """
    if isinstance(notifier, EmailNotifier):
        return MailChannel(notifier, secret)
    return WebhookChannel(notifier, secret)
