"""Values to JSON and back, strictly: a document with a wrong or missing field is refused, not guessed."""

from __future__ import annotations

from typing import TypeVar

import msgspec

Value = TypeVar("Value")


def to_json(value: object) -> bytes:
    """One line of JSON for a value of the model; keys in the order of the fields."""
    return msgspec.json.encode(value)


def to_readable_json(value: object) -> bytes:
    """JSON for people: indented, ending in a newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def from_json(kind: type[Value], text: bytes | str) -> Value:
    """The value that `text` describes.

    Raises:
        ValueError: the text is not JSON, or not a document of this kind; the message names the field.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
