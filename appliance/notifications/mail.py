"""E-mail by SMTP: over TLS whose certificate is verified, or in the clear where an admin says so."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from appliance.errors import NotificationError
from appliance.model.notifications import EmailNotifier, MailEncryption, Notice
from appliance.notifications.deadline import CALL_SECONDS, CONVERSATION_SECONDS, cut_off_after
from appliance.notifications.delivery import Delivery
from appliance.notifications.documents import Origin
from appliance.notifications.errors import (
    CertificateNotTrustedError,
    EncryptionNotOfferedError,
    LoginRefusedError,
    MessageRefusedError,
    ReceiverUnreachableError,
    RecipientsRefusedError,
)
from appliance.notifications.texts import text_of
from appliance.notifications.trust import trusting_context

# What we call ourselves to the server. smtplib would ask DNS for the machine's full name, which can hang.
_OWN_NAME = "keepline.invalid"
_LONGEST_ANSWER = 300


class MailChannel:
    """Implements `Channel` by the standard library's smtplib; a connection a message."""

    def __init__(self, notifier: EmailNotifier, password: str) -> None:
        self._notifier = notifier
        self._password = password
        self._context = trusting_context(notifier.authorities)
        self._server = f"{notifier.host}:{notifier.port}"

    def send(self, notice: Notice, origin: Origin) -> Delivery:
        """See `Channel`."""
        message = message_of(notice, origin, self._notifier)
        try:
            with self._connected() as client, cut_off_after(CONVERSATION_SECONDS, lambda: client.sock):
                self._prepare(client)
                refused = client.send_message(message, self._notifier.sender, self._notifier.recipients)
        except OSError as error:  # smtplib's and ssl's exceptions are kinds of it
            raise _translated(error, self._server) from error
        return Delivery(_answers(refused))

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A connection. How it says good-bye does not count: the message is delivered by then, or not."""
        client = self._connect()
        try:
            yield client
            with suppress(OSError):
                client.quit()
        finally:
            client.close()

    def _connect(self) -> smtplib.SMTP:
        host, port = self._notifier.host, self._notifier.port
        if self._notifier.encryption is MailEncryption.TLS:
            return smtplib.SMTP_SSL(host, port, _OWN_NAME, timeout=CALL_SECONDS, context=self._context)
        return smtplib.SMTP(host, port, _OWN_NAME, timeout=CALL_SECONDS)

    def _prepare(self, client: smtplib.SMTP) -> None:
        """Encrypt, then log in, as chosen; never go on with less."""
        client.ehlo_or_helo_if_needed()
        if self._notifier.encryption is MailEncryption.STARTTLS:
            if not client.has_extn("starttls"):
                raise EncryptionNotOfferedError(self._server, "it does not offer STARTTLS")
            client.starttls(context=self._context)
            client.ehlo()
        if self._notifier.user:
            self._log_in(client)

    def _log_in(self, client: smtplib.SMTP) -> None:
        if not client.has_extn("auth"):
            raise LoginRefusedError(self._server, self._notifier.user, "it offers no log-in")
        try:
            client.login(self._notifier.user, self._password)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
            raise LoginRefusedError(self._server, self._notifier.user, _answer(error)) from error
        except ValueError as error:  # a password that is not ASCII, which no method of smtplib can send
            raise LoginRefusedError(self._server, self._notifier.user, "the password is not ASCII") from error


def message_of(notice: Notice, origin: Origin, notifier: EmailNotifier) -> EmailMessage:
    """The e-mail. The same notice has the same Message-ID: a second copy can be told as one."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = _one_line(f"[Keepline {origin.name}] {notice.title}")
    message["From"] = notifier.sender
    message["To"] = ", ".join(notifier.recipients)
    message["Date"] = format_datetime(notice.at)
    digest = hashlib.sha256(f"{origin.installation}\n{notice.key}".encode()).hexdigest()[:40]
    message["Message-ID"] = f"<{digest}@{notifier.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message.set_content(text_of(notice, origin.signature))
    return message


def _one_line(text: str) -> str:
    """Names come from vCenter: a line break in one would be a header of its own."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _translated(error: OSError, server: str) -> NotificationError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateNotTrustedError(server, error.verify_message)
    if isinstance(error, ssl.SSLError):
        return EncryptionNotOfferedError(server, error.reason or str(error))
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return RecipientsRefusedError(server, _answers(error.recipients))
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPServerDisconnected):
        return ReceiverUnreachableError(server, _answer(error))
    if isinstance(error, smtplib.SMTPException):
        return MessageRefusedError(server, _answer(error))
    return ReceiverUnreachableError(server, error.strerror or str(error) or type(error).__name__)


def _answers(refused: dict[str, tuple[int, bytes]]) -> tuple[str, ...]:
    return tuple(f"{address}: {code} {_readable(text)}" for address, (code, text) in refused.items())


def _answer(error: smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_readable(error.smtp_error)}"
    return _readable(str(error)) or type(error).__name__


def _readable(answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return _one_line(text)[:_LONGEST_ANSWER]
