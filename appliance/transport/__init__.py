"""Ways to the bytes of a disk.

Names that load VDDK's bindings are not exported here: `appliance.transport.vddk` has them, for movers only.
"""

from appliance.transport.disks import DiskReader, DiskWriter
from appliance.transport.errors import (
    CapacityMismatchError,
    DatastoreFullError,
    DiskAccessError,
    DiskChainError,
    DiskLockedError,
    DiskNotFoundError,
    HostMaintenanceError,
    HostMemoryError,
    HostPortClosedError,
    HostUnavailableError,
    LoginRefusedError,
    RefusedByVddkError,
    ThumbprintError,
    TransportHangError,
    VddkInstallationError,
)

__all__ = [
    "CapacityMismatchError",
    "DatastoreFullError",
    "DiskAccessError",
    "DiskChainError",
    "DiskLockedError",
    "DiskNotFoundError",
    "DiskReader",
    "DiskWriter",
    "HostMaintenanceError",
    "HostMemoryError",
    "HostPortClosedError",
    "HostUnavailableError",
    "LoginRefusedError",
    "RefusedByVddkError",
    "ThumbprintError",
    "TransportHangError",
    "VddkInstallationError",
]
