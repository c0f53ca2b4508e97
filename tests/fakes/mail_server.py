"""A mail server on loopback that is stricter than most: RFC 5321 order, CRLF only, no log-in in the clear."""

from __future__ import annotations

import base64
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Self

LONGEST_LINE = 998
_PATH = re.compile(r"<([^<>\s]+@[^<>\s]+)>")


@dataclass(frozen=True, slots=True)
class MailRules:
    """How the server behaves. `tls` protects from the first byte, `starttls` is offered otherwise.

    `mute` accepts connections and says nothing; `closes_at` hangs up when this command comes.
    """

    context: ssl.SSLContext | None = None
    tls: bool = False
    starttls: bool = True
    accounts: dict[str, str] = field(default_factory=dict)
    refused_recipients: frozenset[str] = frozenset()
    refused_senders: frozenset[str] = frozenset()
    refuses_content: bool = False
    mute: bool = False
    closes_at: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A message that was taken."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool
    user: str

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


class MailServer:
    """One thread, one connection at a time; `mails` are those that were taken, `said` every command."""

    def __init__(self, rules: MailRules) -> None:
        self.rules = rules
        self.mails: list[ReceivedMail] = []
        self.said: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._current: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="mail server")
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        for each in (self._listener, self._current):
            if each is not None:
                with suppress(OSError):
                    socket.socket.shutdown(each, socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._current = connection
            with suppress(OSError), _Conversation(self, connection) as conversation:
                conversation.hold()


class _Conversation:
    """One client, from greeting to good-bye."""

    def __init__(self, server: MailServer, connection: socket.socket) -> None:
        self._server = server
        self._rules = server.rules
        self._connection = connection
        self._encrypted = False
        self._user = ""
        self._greeted = False
        self._forget_mail()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        self._lines.close() if hasattr(self, "_lines") else None
        self._connection.close()

    def hold(self) -> None:
        if self._rules.tls:
            self._encrypt()
        self._lines = self._connection.makefile("rb")
        if self._rules.mute:
            self._connection.recv(1)  # until the client or the test gives up
            return
        self._say("220 mail.example ESMTP")
        while self._answer_one():
            pass

    def _answer_one(self) -> bool:
        line = self._lines.readline(2000)
        if not line:
            return False
        if not line.endswith(b"\r\n") or b"\r" in line[:-2] or b"\n" in line[:-2]:
            self._say("500 a line ends in CR LF, and only there")
            return True
        text = line[:-2].decode("ascii")
        self._server.said.append(text)
        verb = text.partition(" ")[0].upper()
        if verb == self._rules.closes_at:
            return False
        commands = {
            "EHLO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
        }
        if verb == "QUIT":
            self._say("221 bye")
            return False
        commands.get(verb, self._unknown)(text)
        return True

    def _ehlo(self, text: str) -> None:
        self._greeted = True
        self._forget_mail()
        offers = ["mail.example"]
        if self._rules.starttls and not self._encrypted and self._rules.context:
            offers.append("STARTTLS")
        if self._rules.accounts and self._encrypted:
            offers.append("AUTH PLAIN LOGIN")
        for offer in offers[:-1]:
            self._say(f"250-{offer}")
        self._say(f"250 {offers[-1]}")

    def _starttls(self, text: str) -> None:
        if self._encrypted or not self._rules.context:
            self._say("503 no")
            return
        self._say("220 go on")
        self._lines.close()
        self._encrypt()
        self._lines = self._connection.makefile("rb")
        self._greeted = False  # RFC 3207: everything from before is forgotten
        self._forget_mail()

    def _auth(self, text: str) -> None:
        if not self._encrypted:
            self._say("538 encryption is needed first")
            return
        _, method, *first = text.split(" ")
        if method == "PLAIN":
            _, user, password = _decoded(first[0] if first else self._asked("")).split("\0")
        else:
            user = _decoded(first[0] if first else self._asked("VXNlcm5hbWU6"))
            password = _decoded(self._asked("UGFzc3dvcmQ6"))
        if self._rules.accounts.get(user) != password:
            self._say("535 5.7.8 authentication credentials invalid")
            return
        self._user = user
        self._say("235 welcome")

    def _mail(self, text: str) -> None:
        found = _PATH.search(text)
        if not self._greeted or self._sender:
            self._say("503 not now")
        elif self._rules.accounts and not self._user:
            self._say("530 5.7.0 authentication required")
        elif not text.upper().startswith("MAIL FROM:") or not found:
            self._say("501 whose mail?")
        elif found[1] in self._rules.refused_senders:
            self._say("553 5.7.1 sender address rejected")
        else:
            self._sender = found[1]
            self._say("250 fine")

    def _rcpt(self, text: str) -> None:
        found = _PATH.search(text)
        if not self._sender or not text.upper().startswith("RCPT TO:") or not found:
            self._say("503 not now")
        elif found[1] in self._rules.refused_recipients:
            self._say("550 5.1.1 user unknown")
        else:
            self._recipients.append(found[1])
            self._say("250 fine")

    def _data(self, text: str) -> None:
        if not self._recipients:
            self._say("503 to whom?")
            return
        self._say("354 go on")
        content = b""
        while (line := self._lines.readline()) != b".\r\n":
            if not line:
                return
            if not line.endswith(b"\r\n") or len(line) > LONGEST_LINE + 2:
                self._say("550 a line is too long, or ends without CR LF")
                return
            content += line[1:] if line.startswith(b".") else line
        if self._rules.refuses_content:
            self._say("554 5.7.1 looks like spam")
            return
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        assert not message.defects
        mail = ReceivedMail(self._sender, tuple(self._recipients), message, self._encrypted, self._user)
        self._server.mails.append(mail)
        self._forget_mail()
        self._say("250 taken")

    def _rset(self, text: str) -> None:
        self._forget_mail()
        self._say("250 forgotten")

    def _unknown(self, text: str) -> None:
        self._say("502 never heard of that")

    def _forget_mail(self) -> None:
        self._sender = ""
        self._recipients: list[str] = []

    def _encrypt(self) -> None:
        assert self._rules.context is not None
        self._connection = self._rules.context.wrap_socket(self._connection, server_side=True)
        self._server._current = self._connection
        self._encrypted = True

    def _asked(self, prompt: str) -> str:
        self._say(f"334 {prompt}")
        return str(self._lines.readline()[:-2].decode("ascii"))

    def _say(self, text: str) -> None:
        self._connection.sendall(f"{text}\r\n".encode())


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


@contextmanager
def mail_server(rules: MailRules) -> Iterator[MailServer]:
    """A server for as long as the context is open."""
    server = MailServer(rules)
    try:
        yield server
    finally:
        server.close()
