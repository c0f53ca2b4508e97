"""Sends one notice by the notifier that is set: the only place that opens its secret."""

from __future__ import annotations

from collections.abc import Callable

from appliance.model.notifications import Notice, Notifier
from appliance.notifications import Channel, Delivery, Origin
from appliance.security import SecretSealer, notifier_secret_purpose
from appliance.state import StoredNotifier

OpenChannel = Callable[[Notifier, str], Channel]


class NotifierCourier:
    """Knows how to reach the notifier; `origin` tells which appliance speaks."""

    def __init__(self, sealer: SecretSealer, open_channel: OpenChannel, origin: Callable[[], Origin]) -> None:
        self._sealer = sealer
        self._open_channel = open_channel
        self._origin = origin

    def sealed(self, notifier: Notifier, secret: str) -> bytes | None:
        """The secret as it may be stored, for this notifier alone; None for no secret.

        Raises:
            AuthoritiesUnusableError: the notifier's own authorities are no certificates.
        """
        self._open_channel(notifier, secret)
        return self._sealer.seal(notifier_secret_purpose(notifier.destination), secret) if secret else None

    def send(self, stored: StoredNotifier, notice: Notice) -> Delivery:
        """Hand a notice over.

        Raises:
            NotificationError: one of its kinds.
            SecretUnreadableError: the secret was sealed with another key, or for another destination.
        """
        notifier = stored.notifier
        sealed = stored.sealed_secret
        secret = ""
        if sealed is not None:
            secret = self._sealer.unseal(notifier_secret_purpose(notifier.destination), sealed)
        return self._open_channel(notifier, secret).send(notice, self._origin())
