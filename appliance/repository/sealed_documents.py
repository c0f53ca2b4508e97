"""JSON documents that carry their own proof: docs/repository-format.md, "Small documents"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from blake3 import blake3

from appliance.model.documents import from_json, to_json, to_readable_json
from appliance.repository.errors import DamagedObjectError, RepositoryFormatError
from appliance.repository.layout import FORMAT

Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class _Seal:
    """The last line."""

    length: int
    blake3: str


@dataclass(frozen=True, slots=True)
class _Format:
    """What is believed of a document before its format is known."""

    format: str


def seal_document(document: object) -> bytes:
    """The bytes of an object that holds `document`, readable by people too."""
    text = to_readable_json(document)
    return text + to_json(_Seal(len(text), blake3(text).hexdigest())) + b"\n"


def open_document(kind: type[Document], content: bytes, key: str) -> Document:
    """The document that the object `key` holds.

    Raises:
        DamagedObjectError: the bytes are not what was written.
        RepositoryFormatError: written by another format than this product knows.
    """
    text = _unsealed_text(content, key)
    try:
        written = from_json(_Format, text).format
        if written != FORMAT:
            raise RepositoryFormatError(f"{key} has format {written!r}; this Keepline knows {FORMAT!r}")
        return from_json(kind, text)
    except ValueError as error:
        raise DamagedObjectError(f"{key} is not a valid document: {error}") from error


def _unsealed_text(content: bytes, key: str) -> bytes:
    split = content.rfind(b"\n", 0, len(content) - 1) + 1
    text, last_line = content[:split], content[split:]
    try:
        seal = from_json(_Seal, last_line)
    except ValueError as error:
        raise DamagedObjectError(f"{key} has no valid last line: {error}") from error
    if not last_line.endswith(b"\n") or seal.length != len(text):
        raise DamagedObjectError(f"{key} says it has {seal.length} bytes and has {len(text)}")
    found = blake3(text).hexdigest()
    if seal.blake3 != found:
        raise DamagedObjectError(f"{key} has BLAKE3 {found} instead of {seal.blake3}")
    return text
