"""What each VIX error code means; names come from abi.json, meanings and remedies from us.

Sources: VDDK guide "Interpreting Error Codes" and "NBD transport" best practices, release notes 7.0.1 and
8.0.2, the comments of nbdkit's vddk plug-in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from vddk_bindings.abi import read_error_names


class ErrorFamily(StrEnum):
    """Errors that are answered in the same way."""

    HOST = "host unavailable"
    AUTHENTICATION = "authentication"
    ACCESS = "access"
    MEMORY = "memory"
    NOT_FOUND = "not found"
    LOCKED = "locked"
    CHAIN = "disk chain"
    UNSUPPORTED = "unsupported"
    SPACE = "space"
    METADATA_KEY = "metadata key"
    CONFIGURATION = "configuration"
    ARGUMENT = "argument"
    GENERAL = "general"


TRANSIENT_CODES: Final = frozenset({2, 5, 36, *range(14006, 14012), 14014, 14015, 18000, 30007})
"""Worth a retry of the same call: network and hosts, and (with smaller requests) the host's NFC memory."""

_REMEDIES: Final = {
    ErrorFamily.HOST: "Retry later; if it stays, check vCenter, the ESXi host and the network to both.",
    ErrorFamily.AUTHENTICATION: "Check user name, password or session cookie, and the user's privileges.",
    ErrorFamily.ACCESS: "Check that the snapshot was named, that the disk belongs to it, and the privileges.",
    ErrorFamily.MEMORY: "Read in smaller pieces with fewer handles, then retry.",
    ErrorFamily.NOT_FOUND: "Check the name; it may have been deleted or moved since it was looked up.",
    ErrorFamily.LOCKED: "Find what else uses it: another backup, a running machine, a leftover of hot-add.",
    ErrorFamily.CHAIN: "The disk's chain is damaged: consolidate the machine's disks, then try again.",
    ErrorFamily.UNSUPPORTED: "Use another transport mode or a disk that supports the operation.",
    ErrorFamily.SPACE: "Make room on the datastore.",
    ErrorFamily.METADATA_KEY: "Ask for the keys that exist before reading one.",
    ErrorFamily.CONFIGURATION: "Check the VDDK folder, its configuration file and its licence.",
    ErrorFamily.ARGUMENT: "This is a mistake in the calling program.",
    ErrorFamily.GENERAL: "Look at VDDK's own log.",
}

_MEANINGS: Final[Mapping[int, tuple[ErrorFamily, str]]] = {
    1: (ErrorFamily.GENERAL, "unknown error"),
    2: (ErrorFamily.MEMORY, "out of memory, here or in the host's NFC server"),
    3: (ErrorFamily.ARGUMENT, "a parameter was invalid"),
    4: (ErrorFamily.NOT_FOUND, "the file was not found"),
    5: (ErrorFamily.HOST, "the object is busy"),
    6: (ErrorFamily.UNSUPPORTED, "the operation is not supported"),
    7: (ErrorFamily.ACCESS, "a file could not be read or written"),
    8: (ErrorFamily.SPACE, "the datastore is full"),
    9: (ErrorFamily.UNSUPPORTED, "the file is of the wrong type"),
    10: (ErrorFamily.GENERAL, "the operation was cancelled"),
    11: (ErrorFamily.ACCESS, "the file is read-only"),
    12: (ErrorFamily.LOCKED, "the file exists already"),
    13: (ErrorFamily.ACCESS, "access to the file was refused"),
    14: (ErrorFamily.UNSUPPORTED, "the file system does not take files as large as this"),
    15: (ErrorFamily.LOCKED, "the file is locked"),
    16: (ErrorFamily.GENERAL, "VMware's internal database failed"),
    20: (ErrorFamily.UNSUPPORTED, "not supported on a remote object"),
    21: (ErrorFamily.UNSUPPORTED, "the file is too big for the file system"),
    22: (ErrorFamily.ARGUMENT, "the file name is invalid"),
    23: (ErrorFamily.LOCKED, "it exists already"),
    24: (ErrorFamily.ARGUMENT, "the buffer is too small"),
    25: (ErrorFamily.NOT_FOUND, "the object was not found"),
    26: (ErrorFamily.GENERAL, "not connected to the host"),
    31: (ErrorFamily.LOCKED, "another operation of this kind is in progress"),
    32: (ErrorFamily.CONFIGURATION, "a licence is missing or does not cover this"),
    35: (ErrorFamily.AUTHENTICATION, "user name or password was refused"),
    36: (ErrorFamily.HOST, "the connection to the host was lost"),
    3014: (ErrorFamily.AUTHENTICATION, "the user lacks a privilege on the host"),
    3046: (ErrorFamily.AUTHENTICATION, "too many sessions are logged in"),
    3047: (ErrorFamily.AUTHENTICATION, "the session cookie is not valid any more"),
    4000: (ErrorFamily.NOT_FOUND, "the virtual machine was not found"),
    13003: (ErrorFamily.NOT_FOUND, "the snapshot was not found"),
    14006: (ErrorFamily.HOST, "the handshake with the host's disk server failed"),
    14007: (ErrorFamily.HOST, "no socket to the host could be made"),
    14008: (ErrorFamily.HOST, "the host's disk server was not found"),
    14009: (ErrorFamily.HOST, "the host's disk server refused the connection"),
    14010: (ErrorFamily.HOST, "the socket to the host failed"),
    14011: (ErrorFamily.HOST, "the connection to the host's disk server was lost"),
    14012: (ErrorFamily.GENERAL, "hash file: wrong volume"),
    14013: (ErrorFamily.GENERAL, "hash file: initialisation failed"),
    14014: (ErrorFamily.HOST, "the host is entering maintenance mode"),
    14015: (ErrorFamily.HOST, "the host is in maintenance mode"),
    16000: (ErrorFamily.ARGUMENT, "a disk parameter was invalid"),
    16001: (ErrorFamily.CONFIGURATION, "the disk library is not initialised"),
    16002: (ErrorFamily.ACCESS, "the disk failed to read or write"),
    16003: (ErrorFamily.CHAIN, "part of the disk chain is missing"),
    16006: (ErrorFamily.CHAIN, "the disk needs repair"),
    16007: (ErrorFamily.ARGUMENT, "sectors outside the disk were asked for"),
    16008: (ErrorFamily.CHAIN, "the parent disk was changed after its child was made (content ID mismatch)"),
    16012: (ErrorFamily.CHAIN, "the parent disk could not be opened"),
    16013: (ErrorFamily.UNSUPPORTED, "the disk does not support the operation"),
    16014: (ErrorFamily.ACCESS, "the disk is encrypted and its key is missing"),
    16027: (ErrorFamily.MEMORY, "too many files are open"),
    16030: (ErrorFamily.CHAIN, "the disk chain is invalid"),
    16052: (ErrorFamily.METADATA_KEY, "the disk has no such metadata key"),
    16053: (ErrorFamily.CONFIGURATION, "the disk library's subsystem could not be initialised"),
    16054: (ErrorFamily.ARGUMENT, "the connection is invalid"),
    16064: (ErrorFamily.CONFIGURATION, "the host's licence does not allow this kind of access"),
    18000: (ErrorFamily.HOST, "the server cannot be reached"),
    18002: (ErrorFamily.ARGUMENT, "the server name is invalid"),
    25000: (ErrorFamily.GENERAL, "the request was queued"),
    26000: (ErrorFamily.ARGUMENT, "synchronous and asynchronous I/O were mixed on one handle"),
    30006: (ErrorFamily.HOST, "the server's name could not be resolved"),
    30007: (ErrorFamily.HOST, "the server could not be connected to"),
    30035: (ErrorFamily.GENERAL, "the TLS connection failed"),
    30201: (ErrorFamily.GENERAL, "the TLS certificate was refused"),
}

_SPECIAL_REMEDIES: Final[Mapping[int, str]] = {
    13: (
        "Most often not permissions: check that the snapshot was named when connecting, that the disk "
        "belongs to it, that host and datacentre are right, that one of the transport modes is possible "
        "here, and for hot-add that the appliance has a free SCSI slot."
    ),
    2: "The host's NFC memory is used up: halve the size of reads and the number of handles, then retry.",
    14009: "Open TCP port 902 from here to the ESXi host; vCenter's port 443 alone is not enough.",
    14014: "Wait until the host has left maintenance mode, or move the machine to another host.",
    14015: "Wait until the host has left maintenance mode, or move the machine to another host.",
    3046: "End unused vCenter sessions or raise the limit, then retry.",
    3047: "Log in again and pass the new session cookie.",
    3014: "Give the user the privileges for disk access on the machine and its datastores.",
    30006: "Check the server's name and this machine's DNS.",
    30035: "Check the server's TLS versions and that VDDK is not too old for them.",
    30201: "Compare the server's certificate with the thumbprint that was passed.",
}

_SPECIAL_REMEDIES_OF_CALLS: Final[Mapping[tuple[str, int], str]] = {
    ("VixDiskLib_Open", 1): (
        "Most often a wrong thumbprint: it is checked when a disk is opened, not when connecting. Compare "
        "the server's certificate with the thumbprint that was passed."
    ),
    ("VixDiskLib_PrepareForAccess", 31): (
        "Another backup product holds the machine, or Storage vMotion is moving it: wait and retry."
    ),
}

_NAMES: Final[Mapping[int, str]] = MappingProxyType(read_error_names())


@dataclass(frozen=True, slots=True)
class ErrorDescription:
    """One error code; `remedy` fits the call that returned it."""

    number: int
    name: str
    meaning: str
    remedy: str
    transient: bool
    family: ErrorFamily


def describe(number: int, function: str) -> ErrorDescription:
    """Return what error `number` (16 bits) means when `function` answers it."""
    family, meaning = _MEANINGS.get(number, (ErrorFamily.GENERAL, "an error these bindings do not know"))
    remedy = _SPECIAL_REMEDIES_OF_CALLS.get((function, number)) or _SPECIAL_REMEDIES.get(number)
    return ErrorDescription(
        number=number,
        name=_NAMES.get(number, f"VIX_E_{number}"),
        meaning=meaning,
        remedy=remedy or _REMEDIES[family],
        transient=number in TRANSIENT_CODES,
        family=family,
    )


def known_codes() -> frozenset[int]:
    """Return every code that has a meaning here."""
    return frozenset(_MEANINGS)
