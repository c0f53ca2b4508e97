"""Python's view of VMware's VDDK (libvixDiskLib): ctypes, standard library only, usable without the rest.

Start with `find_library`, then `Library`; README.md beside this file shows a whole backup in thirty lines.
"""

from vddk_bindings.allocated_blocks import SectorRange
from vddk_bindings.asynchronous import CompletionReceiver
from vddk_bindings.borrowed_memory import Buffer
from vddk_bindings.call_statistics import FunctionStatistics
from vddk_bindings.configuration import write_configuration
from vddk_bindings.connect_parameters import (
    ConnectParameters,
    Credentials,
    PasswordCredentials,
    SessionCredentials,
)
from vddk_bindings.connection import Connection
from vddk_bindings.constants import SECTOR_SIZE_BYTES, AdapterType, OpenFlag
from vddk_bindings.disk import Disk
from vddk_bindings.disk_information import DiskGeometry, DiskInformation
from vddk_bindings.errors import (
    FolderMissingError,
    ForkedProcessError,
    HandleBusyError,
    HandleClosedError,
    InvalidArgumentError,
    LibraryFileError,
    LibraryLoadError,
    LibraryMissingError,
    LibraryStateError,
    LibraryTooOldError,
    MissingFunctionError,
    MixedModeError,
    ThreadRuleError,
    UsageError,
    VddkError,
    WrongArchitectureError,
)
from vddk_bindings.library import CleanupOutcome, Library
from vddk_bindings.library_file import LibraryFile, find_library
from vddk_bindings.log_relay import LogLevel, LogMessage, LogReceiver
from vddk_bindings.process_guard import ProcessGuard
from vddk_bindings.vix_errors import (
    AuthenticationError,
    DatastoreFullError,
    DiskAccessError,
    DiskChainError,
    HostUnavailableError,
    LibraryConfigurationError,
    LockedError,
    MetadataKeyMissingError,
    NotFoundError,
    OutOfMemoryError,
    RejectedArgumentError,
    UnsupportedOperationError,
    VixError,
)

__all__ = [
    "SECTOR_SIZE_BYTES",
    "AdapterType",
    "AuthenticationError",
    "Buffer",
    "CleanupOutcome",
    "CompletionReceiver",
    "ConnectParameters",
    "Connection",
    "Credentials",
    "DatastoreFullError",
    "Disk",
    "DiskAccessError",
    "DiskChainError",
    "DiskGeometry",
    "DiskInformation",
    "FolderMissingError",
    "ForkedProcessError",
    "FunctionStatistics",
    "HandleBusyError",
    "HandleClosedError",
    "HostUnavailableError",
    "InvalidArgumentError",
    "Library",
    "LibraryConfigurationError",
    "LibraryFile",
    "LibraryFileError",
    "LibraryLoadError",
    "LibraryMissingError",
    "LibraryStateError",
    "LibraryTooOldError",
    "LockedError",
    "LogLevel",
    "LogMessage",
    "LogReceiver",
    "MetadataKeyMissingError",
    "MissingFunctionError",
    "MixedModeError",
    "NotFoundError",
    "OpenFlag",
    "OutOfMemoryError",
    "PasswordCredentials",
    "ProcessGuard",
    "RejectedArgumentError",
    "SectorRange",
    "SessionCredentials",
    "ThreadRuleError",
    "UnsupportedOperationError",
    "UsageError",
    "VddkError",
    "VixError",
    "WrongArchitectureError",
    "find_library",
    "write_configuration",
]
