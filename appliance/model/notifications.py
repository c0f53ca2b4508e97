"""What the notifier tells, and where to: notices, and the settings of e-mail and webhook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from urllib.parse import urlsplit

from appliance.model.identifiers import RunId
from appliance.model.policies import PolicyId

NoticeKey = NewType("NoticeKey", str)
"""What a notice is about, once and for all: whoever finds out the same thing again finds the same key."""

# One plain address, without a display name; anything more is refused before it can become a header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~`-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_LARGEST_PORT = 65535
HTTPS_PORT, HTTP_PORT = 443, 80


class MailEncryption(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    """Begins in the clear; nothing is sent before TLS is up, and a server without it is refused."""
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class EmailNotifier:
    """Messages go out by SMTP; `user` is empty where the server asks for no log-in.

    `authorities` are certificates in PEM form that replace the system's authorities, empty for those.
    """

    host: str
    port: int
    encryption: MailEncryption
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    authorities: str = ""

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise ValueError(f"{self.host!r} is no host name or address")
        _require_port(self.port)
        if not self.recipients:
            raise ValueError("nobody is named who gets the messages")
        for address in (self.sender, *self.recipients):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is not a plain e-mail address: write name@example.com")
        if self.user and self.encryption is MailEncryption.NONE:
            raise ValueError(
                "a password is not sent in the clear: choose starttls or tls, or leave the user out"
            )

    @property
    def destination(self) -> str:
        """Where messages go, in words; the password is sealed for it."""
        return f"{self.user or 'nobody'} at {self.host}:{self.port} by {self.encryption}"


@dataclass(frozen=True, slots=True)
class WebhookNotifier:
    """Messages are posted to a URL. `allow_http` lets a private address be reached without TLS.

    `authorities` as in `EmailNotifier`.
    """

    url: str
    allow_http: bool = False
    authorities: str = ""

    def __post_init__(self) -> None:
        if not (self.url.isascii() and self.url.isprintable()) or " " in self.url:
            raise ValueError("a webhook's address is plain ASCII without blanks")
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError(f"{self.url!r} is no address of a webhook: write https://host/path")
        if parts.scheme == "http" and not self.allow_http:
            raise ValueError(
                "without TLS anybody on the way can read and change messages: write https://, or allow http"
            )
        if parts.username is not None or parts.fragment:
            raise ValueError("a webhook's address holds no user, password or fragment")
        _require_port(self.port)

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def host(self) -> str:
        """The host alone."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port, also where the address does not name it."""
        named = urlsplit(self.url).port
        return named if named is not None else HTTPS_PORT if self.is_encrypted else HTTP_PORT

    @property
    def destination(self) -> str:
        """Where messages go, in words; the signing key is sealed for it."""
        return self.url


Notifier = EmailNotifier | WebhookNotifier


class NoticeKind(StrEnum):
    """What a notice says."""

    FAILED = "failed"
    """Backups of a due time failed."""
    GAPS = "gaps"
    """Every machine of a due time has its point, but disks are missing that nobody accepted."""
    NOTHING_SELECTED = "nothing-selected"
    """A policy was due and means no machine."""
    SILENCE = "silence"
    """A due time was not taken up, or machines have had neither a point nor a failure for too long."""
    WORKS_AGAIN = "works-again"
    TEST = "test"


class MachineTrouble(StrEnum):
    """What is the matter with one machine of a notice."""

    FAILED = "failed"
    GAPS = "gaps"
    CANCELLED = "cancelled"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class NoticeMachine:
    """One machine of a notice; `last_point_at` is when its newest point was begun, None without one.

    `code`, `message` and `remedy` are those of the error its run ended with.
    """

    name: str
    trouble: MachineTrouble
    run: RunId
    last_point_at: datetime | None = None
    missing_disks: tuple[str, ...] = ()
    code: str = ""
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class NoticeReason:
    """Why nothing happens, as far as it can be told; `code` is that of an error, or empty."""

    text: str
    remedy: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message; `title` is its subject line. `policy` is None in a test."""

    key: NoticeKey
    kind: NoticeKind
    at: datetime
    title: str
    policy: PolicyId | None = None
    policy_name: str = ""
    due_at: datetime | None = None
    machines: tuple[NoticeMachine, ...] = ()
    reason: NoticeReason | None = None


def _require_port(port: int) -> None:
    if not 0 < port <= _LARGEST_PORT:
        raise ValueError(f"{port} is no TCP port")
