"""What can go wrong on the way to a disk; VDDK's own numbers stay in the messages."""

from __future__ import annotations

from appliance.errors import DiskTransportError


class VddkInstallationError(DiskTransportError):
    """The VDDK folder cannot be used."""

    code = "KL-3001"
    remedy = (
        "Unpack VMware's VDDK 6.7 or newer for Linux on x86-64 and name the folder that contains its lib64; "
        "Keepline may not ship it."
    )


class HostUnavailableError(DiskTransportError):
    """VCenter, an ESXi host or the network between did not answer."""

    code = "KL-3002"
    remedy = "The run is tried again by itself; if it stays, check the host's state and the network to it."
    transient = True


class HostPortClosedError(HostUnavailableError):
    """The ESXi host's disk server cannot be reached, although vCenter can."""

    code = "KL-3003"
    remedy = (
        "Open TCP port 902 from the appliance to every ESXi host; vCenter's port 443 alone is not enough."
    )


class HostMaintenanceError(HostUnavailableError):
    """The ESXi host is in maintenance mode or on its way there."""

    code = "KL-3004"
    remedy = "Wait until the host has left maintenance mode, or move the machine to another host."


class HostMemoryError(DiskTransportError):
    """The ESXi host's disk server has no memory left for one more connection or request."""

    code = "KL-3005"
    remedy = "Let fewer disks of this host be backed up at the same time; other products count too."
    transient = True


class ThumbprintError(DiskTransportError):
    """The disk could not be opened, most often because the certificate is not the one that was pinned."""

    code = "KL-3006"
    remedy = "Compare vCenter's certificate with the pinned thumbprint: `keepline vcenter test` shows both."


class LoginRefusedError(DiskTransportError):
    """User, password, session or privileges were refused on the way to the disk."""

    code = "KL-3007"
    remedy = "Check the vCenter user's password and that its role has the privilege to read disks."


class DiskAccessError(DiskTransportError):
    """The disk's file was refused."""

    code = "KL-3008"
    remedy = (
        "Most often not permissions: check that the snapshot still exists, and for hot-add that the "
        "appliance has a free SCSI slot and sees the datastore."
    )


class DiskNotFoundError(DiskTransportError):
    """The machine, the snapshot or the disk's file is not there."""

    code = "KL-3009"
    remedy = "Start the run again: the machine was changed or its snapshot removed while the run went on."


class DiskLockedError(DiskTransportError):
    """Something else holds the disk."""

    code = "KL-3010"
    remedy = "Find what uses the disk: another backup product, a running machine, a forgotten hot-add."


class DiskChainError(DiskTransportError):
    """The chain of the disk's delta files is broken."""

    code = "KL-3011"
    remedy = "Consolidate the machine's disks in vCenter, then start the run again."


class DatastoreFullError(DiskTransportError):
    """The datastore has no room left for what is written."""

    code = "KL-3012"
    remedy = "Make room on the datastore or restore to another one."


class TransportHangError(DiskTransportError):
    """VDDK did not come back from a call."""

    code = "KL-3013"
    remedy = "The run is tried again by itself; if it happens again, check the host's health and its log."
    transient = True


class CapacityMismatchError(DiskTransportError):
    """VDDK and vCenter disagree about the size of a disk."""

    code = "KL-3014"
    remedy = "Start the run again: the disk was most likely extended just now."
    transient = True


class RefusedByVddkError(DiskTransportError):
    """VDDK refused for a reason of its own."""

    code = "KL-3015"
    remedy = "Look the number up in VMware's VDDK guide and at the mover's last words in the log."
