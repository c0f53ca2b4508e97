"""The webhook: one signed POST a message, to the address that was set and to no other."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
import ssl
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from appliance.errors import NotificationError
from appliance.model.notifications import Notice, WebhookNotifier
from appliance.notifications.deadline import CALL_SECONDS, CONVERSATION_SECONDS, cut_off_after
from appliance.notifications.delivery import Delivery
from appliance.notifications.documents import Origin, document_of
from appliance.notifications.errors import (
    CertificateNotTrustedError,
    EncryptionNotOfferedError,
    PlainHttpRefusedError,
    ReceiverUnreachableError,
    WebhookFailedError,
    WebhookMovedError,
    WebhookRefusedError,
)
from appliance.notifications.trust import trusting_context

SIGNATURE_HEADER = "Keepline-Signature"
LONGEST_ANSWER = 300

# Not ipaddress.is_private: that holds link-local addresses too, where clouds keep what nobody may ask for.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128"),
    )
)


class WebhookChannel:
    """Implements `Channel` by the standard library's http.client: it follows nothing and knows no proxy."""

    def __init__(self, notifier: WebhookNotifier, signing_key: str) -> None:
        self._notifier = notifier
        self._signing_key = signing_key
        self._context = trusting_context(notifier.authorities)
        self._server = f"{notifier.host}:{notifier.port}"

    def send(self, notice: Notice, origin: Origin) -> Delivery:
        """See `Channel`."""
        body = document_of(notice, origin)
        connection = self._connection()
        try:
            with cut_off_after(CONVERSATION_SECONDS, lambda: connection.sock):
                connection.request("POST", self._target(), body, self._headers(body))
                with connection.getresponse() as response:
                    self._judge(response)
        except (OSError, HTTPException) as error:
            raise _translated(error, self._server) from error
        finally:
            connection.close()
        return Delivery()

    def _connection(self) -> HTTPConnection:
        host, port = self._notifier.host, self._notifier.port
        if self._notifier.is_encrypted:
            return HTTPSConnection(host, port, timeout=CALL_SECONDS, context=self._context)
        connection = HTTPConnection(host, port, timeout=CALL_SECONDS)
        connection.sock = self._private_socket()
        return connection

    def _private_socket(self) -> socket.socket:
        """A connection to the very address that was found to be private: names can change their minds."""
        host, port = self._notifier.host, self._notifier.port
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [str(each[4][0]) for each in found]
            private = next(filter(_is_private, addresses), None)
            if private is None:
                raise PlainHttpRefusedError(host, ", ".join(dict.fromkeys(addresses)))
            return socket.create_connection((private, port), timeout=CALL_SECONDS)
        except OSError as error:
            raise _translated(error, self._server) from error

    def _target(self) -> str:
        parts = urlsplit(self._notifier.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "keepline",
            SIGNATURE_HEADER: signature_of(self._signing_key, body),
        }

    def _judge(self, response: HTTPResponse) -> None:
        """Raise unless the receiver took the message."""
        if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            raise WebhookMovedError(self._server, _readable(response.headers.get("Location", "").encode()))
        answer = f"HTTP {response.status} {_readable(response.read(LONGEST_ANSWER))}".rstrip()
        if (
            response.status == HTTPStatus.TOO_MANY_REQUESTS
            or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        ):
            raise WebhookFailedError(self._server, answer)
        raise WebhookRefusedError(self._server, answer)


def signature_of(signing_key: str, body: bytes) -> str:
    """The signature's header: `sha256=` and the HMAC-SHA256 of the body under the key, in hexadecimal."""
    return f"sha256={hmac.new(signing_key.encode(), body, hashlib.sha256).hexdigest()}"


def _is_private(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return any(parsed.version == network.version and parsed in network for network in _PRIVATE)


def _translated(error: OSError | HTTPException, server: str) -> NotificationError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateNotTrustedError(server, error.verify_message)
    if isinstance(error, ssl.SSLError):
        return EncryptionNotOfferedError(server, error.reason or str(error))
    if isinstance(error, OSError):
        return ReceiverUnreachableError(server, error.strerror or str(error) or type(error).__name__)
    return WebhookRefusedError(server, f"it does not answer in HTTP: {type(error).__name__}")


def _readable(answer: bytes) -> str:
    text = answer.decode(errors="replace")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[
        :LONGEST_ANSWER
    ]
