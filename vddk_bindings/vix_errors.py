"""What the library answers when it refuses, as exceptions: one class for each family of codes.

VixError
├── HostUnavailableError     network and hosts: retry later
├── AuthenticationError      log-in, session, privileges
├── DiskAccessError          access to the disk's file refused or failed
├── OutOfMemoryError         here or in the host's NFC server: retry with less
├── NotFoundError            machine, snapshot or file
├── LockedError              something else holds it
├── DiskChainError           the chain of delta disks is damaged
├── UnsupportedOperationError
├── DatastoreFullError
├── MetadataKeyMissingError
├── LibraryConfigurationError
├── RejectedArgumentError
└── VixError itself          everything else
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from vddk_bindings.constants import ERROR_CODE_MASK
from vddk_bindings.error_codes import ErrorFamily, describe
from vddk_bindings.errors import VddkError


class VixError(VddkError):
    """The library refused a call.

    `number` is the code, `value` the full 64 bits it came in, `name` the vendor's name of it, `meaning` ours,
    `library_text` the library's own words ("" where it could not be asked), `function` the call.
    """

    def __init__(self, function: str, value: int, library_text: str = "", context: str = "") -> None:
        description = describe(value & ERROR_CODE_MASK, function)
        self.function = function
        self.value = value
        self.library_text = library_text
        self.number = description.number
        self.name = description.name
        self.meaning = description.meaning
        self.code = f"VIX-{description.number}"
        self.remedy = description.remedy
        self.transient = description.transient
        own_words = f', VDDK says "{library_text}"' if library_text else ""
        subject = f" ({context})" if context else ""
        super().__init__(
            f"{function}{subject} failed: {description.meaning} "
            f"[{description.name}, code {description.number}, value {value:#x}{own_words}]"
        )


class HostUnavailableError(VixError):
    """vCenter, an ESXi host or the network between did not answer."""


class AuthenticationError(VixError):
    """Log-in, session or privileges were refused."""


class DiskAccessError(VixError):
    """The disk's file was refused or failed."""


class OutOfMemoryError(VixError):
    """Memory ran out, most often that of the host's NFC server."""


class NotFoundError(VixError):
    """Machine, snapshot or file does not exist."""


class LockedError(VixError):
    """Something else holds the file or the machine."""


class DiskChainError(VixError):
    """The chain of delta disks is damaged."""


class UnsupportedOperationError(VixError):
    """This disk, transport or datastore cannot do that."""


class DatastoreFullError(VixError):
    """The datastore has no room left."""


class MetadataKeyMissingError(VixError):
    """The disk has no such metadata key."""


class LibraryConfigurationError(VixError):
    """VDDK's set-up or licence does not allow the call."""


class RejectedArgumentError(VixError):
    """The library found an argument invalid."""


CLASSES: Final[Mapping[ErrorFamily, type[VixError]]] = MappingProxyType(
    {
        ErrorFamily.HOST: HostUnavailableError,
        ErrorFamily.AUTHENTICATION: AuthenticationError,
        ErrorFamily.ACCESS: DiskAccessError,
        ErrorFamily.MEMORY: OutOfMemoryError,
        ErrorFamily.NOT_FOUND: NotFoundError,
        ErrorFamily.LOCKED: LockedError,
        ErrorFamily.CHAIN: DiskChainError,
        ErrorFamily.UNSUPPORTED: UnsupportedOperationError,
        ErrorFamily.SPACE: DatastoreFullError,
        ErrorFamily.METADATA_KEY: MetadataKeyMissingError,
        ErrorFamily.CONFIGURATION: LibraryConfigurationError,
        ErrorFamily.ARGUMENT: RejectedArgumentError,
        ErrorFamily.GENERAL: VixError,
    }
)


def vix_error(function: str, value: int, library_text: str = "", context: str = "") -> VixError:
    """Return the exception for `value`, a VixError other than VIX_OK that `function` answered."""
    family = describe(value & ERROR_CODE_MASK, function).family
    return CLASSES[family](function, value, library_text, context)
