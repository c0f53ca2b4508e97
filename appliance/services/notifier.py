"""The notifier: set, show, try, remove."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.clock import Clock
from appliance.model.notifications import (
    EmailNotifier,
    MailEncryption,
    Notice,
    NoticeKey,
    NoticeKind,
    Notifier,
    WebhookNotifier,
)
from appliance.notifications import RecipientsRefusedError
from appliance.services.notifier_courier import NotifierCourier
from appliance.services.notifier_errors import NoNotifierError, NotifierRefusedError
from appliance.state import NotifierStore, Outbox, StoredNotice

SHORTEST_SIGNING_KEY = 16
"""Characters: a key that can be guessed lets anybody sign."""


@dataclass(frozen=True, slots=True)
class NewEmailNotifier:
    """What an admin says about e-mail; `authorities` is PEM text, empty for the system's authorities."""

    host: str
    port: int
    encryption: MailEncryption
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class NewWebhookNotifier:
    """What an admin says about a webhook."""

    url: str
    signing_key: str = field(repr=False)
    allow_http: bool = False
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class NotifierView:
    """The notifier as it is shown, without its secret, and how delivery goes. None where none is set."""

    notifier: Notifier | None
    outbox: Outbox


class NotifierService:
    """The one notifier of this appliance."""

    def __init__(self, store: NotifierStore, courier: NotifierCourier, clock: Clock) -> None:
        self._store = store
        self._courier = courier
        self._clock = clock

    def set_email(self, new: NewEmailNotifier) -> Notifier:
        """Tell by e-mail from now on. Nothing is sent; messages that wait go there soon.

        Raises:
            NotifierRefusedError: one of its words cannot be meant.
            AuthoritiesUnusableError: its authorities are no certificates.
        """
        if bool(new.user) != bool(new.password):
            raise NotifierRefusedError("user and password belong together: give both or neither")
        try:
            notifier = EmailNotifier(
                host=new.host,
                port=new.port,
                encryption=new.encryption,
                sender=new.sender,
                recipients=new.recipients,
                user=new.user,
                authorities=new.authorities,
            )
        except ValueError as error:
            raise NotifierRefusedError(str(error)) from error
        return self._put(notifier, new.password)

    def set_webhook(self, new: NewWebhookNotifier) -> Notifier:
        """Tell by webhook from now on. Nothing is sent; messages that wait go there soon.

        Raises:
            NotifierRefusedError: one of its words cannot be meant.
            AuthoritiesUnusableError: its authorities are no certificates.
        """
        if len(new.signing_key) < SHORTEST_SIGNING_KEY:
            raise NotifierRefusedError(f"a signing key has at least {SHORTEST_SIGNING_KEY} characters")
        try:
            notifier = WebhookNotifier(new.url, new.allow_http, new.authorities)
        except ValueError as error:
            raise NotifierRefusedError(str(error)) from error
        return self._put(notifier, new.signing_key)

    def show(self) -> NotifierView:
        """The notifier, and how delivery goes."""
        stored = self._store.find()
        return NotifierView(stored.notifier if stored else None, self._store.outbox())

    def failing(self) -> StoredNotice | None:
        """The message that cannot be delivered for the longest time, or None where all is well."""
        return self._store.outbox(limit=0).failing if self._store.find() else None

    def test(self) -> None:
        """Deliver a test message; every recipient has got it when this returns.

        Raises:
            NoNotifierError: none is set.
            NotificationError: one of its kinds: what is wrong.
        """
        stored = self._store.find()
        if stored is None:
            raise NoNotifierError("no notifier is set")
        now = self._clock.now()
        key = NoticeKey(f"test/{now.isoformat()}")
        title = "this is a test: messages of failed nights and of silence arrive here"
        delivery = self._courier.send(stored, Notice(key, NoticeKind.TEST, now, title))
        if delivery.refused:
            raise RecipientsRefusedError(stored.notifier.host, delivery.refused)

    def remove(self) -> None:
        """Forget the notifier and its secret; what waits to be delivered is given up.

        Raises:
            NoNotifierError: none is set.
        """
        if not self._store.remove(self._clock.now()):
            raise NoNotifierError("no notifier is set")

    def _put(self, notifier: Notifier, secret: str) -> Notifier:
        sealed = self._courier.sealed(notifier, secret)
        self._store.put(notifier, sealed, self._clock.now())
        return notifier
