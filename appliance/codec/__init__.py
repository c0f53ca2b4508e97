"""How blocks are encoded: digests, zero test, compression.

Movers import this package: nothing here may pull in a library that binds what VDDK brings its own of.
"""

from appliance.codec.block_codec import (
    DEFAULT_COMPRESSION_LEVEL,
    BlockEncoder,
    EncodedBlock,
    block_digest,
    decode_block,
)
from appliance.codec.errors import DamagedBlockError
from appliance.codec.zero_test import address_of, is_zero_at

__all__ = [
    "DEFAULT_COMPRESSION_LEVEL",
    "BlockEncoder",
    "DamagedBlockError",
    "EncodedBlock",
    "address_of",
    "block_digest",
    "decode_block",
    "is_zero_at",
]
