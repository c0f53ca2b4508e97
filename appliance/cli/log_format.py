"""One line of the log: when, how bad, who, what, and the fields that go with it."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FieldFormatter(logging.Formatter):
    """Writes what a caller gave as `extra` behind the message: `run=… code=KL-2001`."""

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line, without a traceback."""
        fields = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
        return " ".join([super().formatMessage(record), *(f"{k}={_text(v)}" for k, v in fields.items())])


def _text(value: object) -> str:
    """The value in one line; quoted where its end could not be told."""
    text = str(value)
    return text if text and text.isprintable() and " " not in text else repr(text)


def log_to_standard_error(level: str) -> None:
    """Log from this level on, unless somebody has set logging up already."""
    handler = logging.StreamHandler()
    handler.setFormatter(FieldFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])
