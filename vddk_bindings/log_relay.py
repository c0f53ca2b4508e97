"""VDDK's log lines: C format strings with their va_list, turned into text on the thread they come from."""

import ctypes
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from vddk_bindings.prototypes import LOG_CALLBACK

MESSAGE_LIMIT_BYTES: Final = 16384
"""Longer messages are cut: a va_list may be consumed once only, so there is no second try with more room."""

RECENT_MESSAGE_COUNT: Final = 256

_STANDARD_ERROR: Final = 2


class LogLevel(StrEnum):
    """Which of VDDK's three log functions was called."""

    INFORMATION = "information"
    WARNING = "warning"
    PANIC = "panic"


@dataclass(frozen=True, slots=True)
class LogMessage:
    """One line of VDDK's log, without its line end."""

    level: LogLevel
    text: str


LogReceiver = Callable[[LogMessage], None]
"""Called on VDDK's threads, several at once: may store the message (a queue's `put`, a deque's `append`),
nothing else, and may never call VDDK."""


class LogRelay:
    """The three C callbacks of InitEx; keeps the last messages and hands each to `receiver`.

    The callbacks must stay referenced as long as the process lives: the library has no way to forget them.
    """

    def __init__(self, receiver: LogReceiver | None = None) -> None:
        self._receiver = receiver
        self._recent: deque[LogMessage] = deque(maxlen=RECENT_MESSAGE_COUNT)
        # ctypes' function types are private classes, hence `Any`.
        self._format: Any = ctypes.CDLL(None).vsnprintf
        self._format.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p)
        self._format.restype = ctypes.c_int
        self.callbacks = tuple(LOG_CALLBACK(self._receiver_of(level)) for level in LogLevel)

    def recent(self) -> tuple[LogMessage, ...]:
        """Return the last messages, oldest first."""
        return tuple(self._recent)

    def _receiver_of(self, level: LogLevel) -> Callable[[bytes | None, int | None], None]:
        def receive(template: bytes | None, arguments: int | None) -> None:
            message = LogMessage(level, self._text_of(template or b"", arguments))
            if level is LogLevel.PANIC:  # the library may abort the process as soon as this returns
                os.write(_STANDARD_ERROR, f"VDDK panic: {message.text}\n".encode())
            self._recent.append(message)
            if self._receiver is not None:
                self._receiver(message)

        return receive

    def _text_of(self, template: bytes, arguments: int | None) -> str:
        if arguments is None:
            return template.decode(errors="replace").rstrip("\r\n")
        buffer = ctypes.create_string_buffer(MESSAGE_LIMIT_BYTES)
        self._format(buffer, MESSAGE_LIMIT_BYTES, template, arguments)
        return buffer.value.decode(errors="replace").rstrip("\r\n")
