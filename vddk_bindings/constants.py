"""Numbers of the VDDK C ABI; a test compares every one with abi.json."""

from enum import IntEnum, IntFlag
from typing import Final

SECTOR_SIZE_BYTES: Final = 512
"""VDDK counts in sectors of 512 bytes, also on disks with 4096-byte sectors."""

MINIMUM_CHUNK_SECTORS: Final = 128
"""Smallest granularity of QueryAllocatedBlocks."""

MAXIMUM_CHUNKS_PER_QUERY: Final = 524288
"""Most chunks one QueryAllocatedBlocks may cover."""

ERROR_CODE_MASK: Final = 0xFFFF
"""Only these bits of a VixError are its code (guide, "Interpreting Error Codes")."""

VIX_OK: Final = 0
VIX_ASYNC: Final = 25000
"""What an asynchronous call answers when its request was queued."""
VIX_E_BUFFER_TOOSMALL: Final = 24


class OpenFlag(IntFlag):
    """How a disk is opened."""

    NONE = 0
    UNBUFFERED = 1
    SINGLE_LINK = 2
    READ_ONLY = 4
    COMPRESSION_ZLIB = 16
    COMPRESSION_FASTLZ = 32
    COMPRESSION_SKIPZ = 64


class CredentialType(IntEnum):
    """Which member of the credentials union is filled."""

    UID = 1
    SESSIONID = 2
    TICKETID = 3
    SSPI = 4
    UNKNOWN = 256


class SpecificationType(IntEnum):
    """What a connection is for; DATASTORE only since VDDK 8.0.1."""

    VMX = 0
    VSTORAGE_OBJECT = 1
    DATASTORE = 2


class DiskType(IntEnum):
    """How a local virtual disk is laid out."""

    MONOLITHIC_SPARSE = 1
    MONOLITHIC_FLAT = 2
    SPLIT_SPARSE = 3
    SPLIT_FLAT = 4
    VMFS_FLAT = 5
    STREAM_OPTIMIZED = 6
    VMFS_THIN = 7
    VMFS_SPARSE = 8
    UNKNOWN = 256


class AdapterType(IntEnum):
    """What controller a disk says it was made for."""

    IDE = 1
    SCSI_BUSLOGIC = 2
    SCSI_LSILOGIC = 3
    UNKNOWN = 256


class HardwareVersion(IntEnum):
    """Virtual hardware versions that a local disk can be created for."""

    WORKSTATION_5 = 4
    WORKSTATION_6 = 6
    ESX4X = 7
    ESX50 = 8
    ESX51 = 9
    ESX55 = 10
    ESX60 = 11
    ESX65 = 13
