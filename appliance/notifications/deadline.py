"""An end to conversations: a server that says one byte a second keeps every single time-out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

CALL_SECONDS = 20.0
"""The longest wait for one answer."""
CONVERSATION_SECONDS = 90.0
"""The longest conversation."""


@contextmanager
def cut_off_after(seconds: float, current_socket: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut the connection down if the block takes longer: whoever waits on it gets an OSError or an end."""
    timer = threading.Timer(seconds, _shut_down, args=[current_socket])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _shut_down(current_socket: Callable[[], socket.socket | None]) -> None:
    connection = current_socket()
    if connection is not None:
        with suppress(OSError):  # it has ended by itself
            # The plain socket's method: a TLS socket's own would pull the session from under the reader.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
