"""The columns of a block map and how Parquet keeps them: docs/repository-format.md, "Block maps"."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from appliance.model.blocks import DIGEST_SIZE
from appliance.model.identifiers import RecoveryPointId, SegmentId
from appliance.model.recovery_points import BlockMapKind

ROW_GROUP_ROWS = 65_536
METADATA_KEY = b"keepline.map"

SCHEMA = pa.schema(
    [
        pa.field("block_index", pa.uint64(), nullable=False),
        pa.field("digest", pa.binary(DIGEST_SIZE), nullable=False),
        pa.field("segment", pa.uint32(), nullable=True),
        pa.field("offset", pa.uint32(), nullable=False),
        pa.field("stored_length", pa.uint32(), nullable=False),
        pa.field("flags", pa.uint8(), nullable=False),
        pa.field("entropy", pa.uint8(), nullable=False),
        pa.field("origin", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    ]
)

WRITER_OPTIONS = {
    # Measured: a dictionary of digests costs 7 bytes a row, and they do not compress.
    "compression": {name: "none" if name == "digest" else "zstd" for name in SCHEMA.names},
    "compression_level": {name: 1 for name in SCHEMA.names if name != "digest"},
    "use_dictionary": ["origin"],
    "column_encoding": {
        "block_index": "DELTA_BINARY_PACKED",
        "segment": "DELTA_BINARY_PACKED",
        "offset": "DELTA_BINARY_PACKED",
        "digest": "PLAIN",
        "stored_length": "PLAIN",
        "flags": "PLAIN",
        "entropy": "PLAIN",
    },
    "write_statistics": ["block_index"],
}


@dataclass(frozen=True, slots=True)
class MapHeader:
    """Whose map it is: what its metadata say besides the segments."""

    format: str
    kind: BlockMapKind
    machine: str
    disk: str
    point: RecoveryPointId
    block_size: int
    capacity: int


@dataclass(frozen=True, slots=True)
class MapMetadata:
    """The JSON document in the file's key-value metadata; a segment is `(id, length, digest)`."""

    format: str
    kind: BlockMapKind
    machine: str
    disk: str
    point: RecoveryPointId
    block_size: int
    capacity: int
    segments: tuple[tuple[SegmentId, int, str], ...]
