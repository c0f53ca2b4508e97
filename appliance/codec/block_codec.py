"""A block's bytes to what a segment stores, and back: the only symmetric pair.

docs/repository-format.md, "Blocks".
"""

from __future__ import annotations

from dataclasses import dataclass

import zstandard
from blake3 import blake3

from appliance.codec.errors import DamagedBlockError
from appliance.model.blocks import BlockFlags, entropy_of

DEFAULT_COMPRESSION_LEVEL = 1


@dataclass(frozen=True, slots=True)
class EncodedBlock:
    """What is to be stored of one block; `content` is the caller's own memory where it was not compressed."""

    digest: bytes
    content: bytes | memoryview
    raw_length: int
    flags: BlockFlags

    @property
    def entropy(self) -> int:
        """How much information a byte of the block carries, 0 to 255."""
        return entropy_of(len(self.content), self.raw_length)


def block_digest(content: memoryview | bytes) -> bytes:
    """The name of these bytes: BLAKE3-256."""
    return blake3(content).digest()


class BlockEncoder:
    """Encodes blocks one after the other; one per thread."""

    def __init__(self, level: int = DEFAULT_COMPRESSION_LEVEL) -> None:
        self._compressor = zstandard.ZstdCompressor(level=level)

    def encode(self, content: memoryview, digest: bytes) -> EncodedBlock:
        """What to store of a block that is not all zero; `digest` is its `block_digest`."""
        compressed = self._compressor.compress(content)
        if len(compressed) < len(content):
            return EncodedBlock(digest, compressed, len(content), BlockFlags.COMPRESSED)
        return EncodedBlock(digest, content, len(content), BlockFlags.NONE)


def decode_block(
    stored: memoryview | bytes, flags: BlockFlags, digest: bytes, destination: memoryview, place: str
) -> None:
    """Fill `destination`, exactly as long as the block, with what was once encoded.

    `place` says in an error which block of what this is.

    Raises:
        DamagedBlockError: the bytes do not decode, or are not the bytes that were written.
    """
    if flags & BlockFlags.COMPRESSED:
        _decompress(stored, destination, place)
    elif len(stored) != len(destination):
        raise DamagedBlockError(f"{place} has {len(stored)} bytes instead of {len(destination)}")
    else:
        destination[:] = stored
    found = blake3(destination).digest()
    if found != digest:
        raise DamagedBlockError(f"{place} has digest {found.hex()} instead of {digest.hex()}")


def _decompress(stored: memoryview | bytes, destination: memoryview, place: str) -> None:
    try:
        # Looked at before: a frame that announces more, or nothing, is never unpacked.
        announced = zstandard.frame_content_size(stored)
        if announced != len(destination):
            raise DamagedBlockError(f"{place} decodes to {announced} bytes instead of {len(destination)}")
        with zstandard.ZstdDecompressor().stream_reader(stored) as frame:
            length = frame.readinto(destination)
    except zstandard.ZstdError as error:
        raise DamagedBlockError(f"{place} does not decompress: {error}") from error
    if length != len(destination):
        raise DamagedBlockError(f"{place} is cut short")
