"""A webhook's receiver on loopback that checks what it gets, as docs/notifications.md tells receivers to."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class ReceiverRules:
    """What the receiver answers; a message whose signature does not fit gets 401 whatever `status` says."""

    signing_key: str
    status: int = 204
    body: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedPost:
    """A message that was signed as agreed."""

    path: str
    body: bytes

    @property
    def document(self) -> dict[str, Any]:  # Any: tests ask what it holds
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass(slots=True)
class WebhookReceiver:
    """What came, and where it is reached."""

    port: int
    rules: ReceiverRules
    posts: list[ReceivedPost] = field(default_factory=list)
    requests: int = 0


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        receiver.requests += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        digest = hmac.new(receiver.rules.signing_key.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(self.headers.get("Keepline-Signature", ""), f"sha256={digest}"):
            self._answer(401, "the signature does not fit")
            return
        receiver.posts.append(ReceivedPost(self.path, body))
        self._answer(receiver.rules.status, receiver.rules.body)

    def do_GET(self) -> None:
        self.server.receiver.requests += 1
        self._answer(405, "")

    def log_message(self, *ignored: object) -> None:
        """Nothing on standard error."""

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        if self.server.receiver.rules.location:
            self.send_header("Location", self.server.receiver.rules.location)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())


class _Server(ThreadingHTTPServer):
    """Closing waits for every connection: a thread that is left would be a leak."""

    daemon_threads = False

    def __init__(self, rules: ReceiverRules, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.receiver = WebhookReceiver(self.server_address[1], rules)

    def finish_request(self, request: Any, client_address: Any) -> None:  # Any: as the base class has it
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as encrypted:  # in the client's own thread
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break off are what some tests are about."""


@contextmanager
def webhook_receiver(
    rules: ReceiverRules, context: ssl.SSLContext | None = None
) -> Iterator[WebhookReceiver]:
    """A receiver for as long as the context is open; with TLS where `context` is given."""
    server = _Server(rules, context)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="webhook receiver")
    thread.start()
    try:
        yield server.receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
