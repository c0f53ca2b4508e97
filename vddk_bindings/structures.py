"""Structures of the VDDK C ABI on x86-64; a test compares every offset and size with abi.json.

A `char *` is declared `c_char_p`: reading gives a copy, writing stores a pointer whose bytes the writer
keeps alive.
"""
# ruff: noqa: N815 - fields are named as in the header of VDDK

import ctypes


class Geometry(ctypes.Structure):
    """VixDiskLibGeometry."""

    _fields_ = (
        ("cylinders", ctypes.c_uint32),
        ("heads", ctypes.c_uint32),
        ("sectors", ctypes.c_uint32),
    )
    cylinders: int
    heads: int
    sectors: int


class Info(ctypes.Structure):
    """VixDiskLibInfo. The two sector sizes exist since VDDK 7.0 only: a 6.x library allocates 56 bytes."""

    _fields_ = (
        ("biosGeo", Geometry),
        ("physGeo", Geometry),
        ("capacity", ctypes.c_uint64),
        ("adapterType", ctypes.c_int),
        ("numLinks", ctypes.c_int),
        ("parentFileNameHint", ctypes.c_char_p),
        ("uuid", ctypes.c_char_p),
        ("logicalSectorSize", ctypes.c_uint32),
        ("physicalSectorSize", ctypes.c_uint32),
    )
    biosGeo: Geometry
    physGeo: Geometry
    capacity: int
    adapterType: int
    numLinks: int
    parentFileNameHint: bytes | None
    uuid: bytes | None
    logicalSectorSize: int
    physicalSectorSize: int


class UidPasswdCreds(ctypes.Structure):
    """VixDiskLibUidPasswdCreds."""

    _fields_ = (("userName", ctypes.c_char_p), ("password", ctypes.c_char_p))
    userName: bytes | None
    password: bytes | None


class SessionIdCreds(ctypes.Structure):
    """VixDiskLibSessionIdCreds."""

    _fields_ = (("cookie", ctypes.c_char_p), ("userName", ctypes.c_char_p), ("key", ctypes.c_char_p))
    cookie: bytes | None
    userName: bytes | None
    key: bytes | None


class Creds(ctypes.Union):
    """VixDiskLibCreds."""

    _fields_ = (("uid", UidPasswdCreds), ("sessionId", SessionIdCreds), ("ticketId", ctypes.c_void_p))
    uid: UidPasswdCreds
    sessionId: SessionIdCreds
    ticketId: int | None


class VStorageObjectSpec(ctypes.Structure):
    """VixDiskLibVStorageObjectSpec."""

    _fields_ = (("id", ctypes.c_char_p), ("datastoreMoRef", ctypes.c_char_p), ("ssId", ctypes.c_char_p))


class DatastoreSpec(ctypes.Structure):
    """VixDiskLibDatastoreSpec."""

    _fields_ = (("datastoreMoRef", ctypes.c_char_p), ("diskFolder", ctypes.c_char_p))


class Spec(ctypes.Union):
    """VixDiskLibSpec."""

    _fields_ = (("vStorageObjSpec", VStorageObjectSpec), ("dsSpec", DatastoreSpec))


class ConnectParams(ctypes.Structure):
    """VixDiskLibConnectParams since 6.7; the older one ends after `vimApiVer`, at the same offsets."""

    _fields_ = (
        ("vmxSpec", ctypes.c_char_p),
        ("serverName", ctypes.c_char_p),
        ("thumbPrint", ctypes.c_char_p),
        ("privateUse", ctypes.c_long),
        ("credType", ctypes.c_int),
        ("creds", Creds),
        ("port", ctypes.c_uint32),
        ("nfcHostPort", ctypes.c_uint32),
        ("vimApiVer", ctypes.c_char_p),
        ("reserved", ctypes.c_char * 8),
        ("state", ctypes.c_void_p),
        ("spec", Spec),
        ("specType", ctypes.c_int),
    )
    vmxSpec: bytes | None
    serverName: bytes | None
    thumbPrint: bytes | None
    credType: int
    creds: Creds
    port: int
    nfcHostPort: int
    specType: int


class Block(ctypes.Structure):
    """VixDiskLibBlock: both numbers count sectors."""

    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))
    offset: int
    length: int


class BlockList(ctypes.Structure):
    """VixDiskLibBlockList: `numBlocks` blocks follow at the offset of `blocks`."""

    _fields_ = (("numBlocks", ctypes.c_uint32), ("blocks", Block * 1))
    numBlocks: int


class CreateParams(ctypes.Structure):
    """VixDiskLibCreateParams. The two sector sizes exist since VDDK 7.0; a 6.x library reads 24 bytes."""

    _fields_ = (
        ("diskType", ctypes.c_int),
        ("adapterType", ctypes.c_int),
        ("hwVersion", ctypes.c_uint16),
        ("capacity", ctypes.c_uint64),
        ("logicalSectorSize", ctypes.c_uint32),
        ("physicalSectorSize", ctypes.c_uint32),
    )


STRUCTURES: dict[str, type[ctypes.Structure] | type[ctypes.Union]] = {
    "VixDiskLibGeometry": Geometry,
    "VixDiskLibInfo": Info,
    "VixDiskLibUidPasswdCreds": UidPasswdCreds,
    "VixDiskLibSessionIdCreds": SessionIdCreds,
    "VixDiskLibCreds": Creds,
    "VixDiskLibVStorageObjectSpec": VStorageObjectSpec,
    "VixDiskLibDatastoreSpec": DatastoreSpec,
    "VixDiskLibSpec": Spec,
    "VixDiskLibConnectParams": ConnectParams,
    "VixDiskLibBlock": Block,
    "VixDiskLibBlockList": BlockList,
    "VixDiskLibCreateParams": CreateParams,
}
