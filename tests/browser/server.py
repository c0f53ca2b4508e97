"""The console served to a browser on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.fakes.console import ConsoleDesk
from web import create_app


class Quiet(WSGIRequestHandler):
    """Says nothing about requests."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        del type, message, args


@contextmanager
def served(console: ConsoleDesk) -> Iterator[str]:
    """The console on a free loopback port; its address."""
    server = make_server("127.0.0.1", 0, create_app(console.services), threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, name="console")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
