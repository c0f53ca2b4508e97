"""What can go wrong with a vCenter, as errors people can act on (codes KL-20xx to KL-22xx).

VcenterError
├── VcenterUnreachableError     KL-2001  nothing answers, or not as a vCenter does
├── CertificateMismatchError    KL-2002  another certificate than the pinned one
├── LoginRefusedError           KL-2003  wrong user or password
├── SessionLostError            KL-2004  vCenter ended the session and did not take a new one
├── PermissionMissingError      KL-2005  the role lacks a privilege
├── NotVcenterError             KL-2006  an ESXi host or another product answers
├── CertificateExpiredError     KL-2007  the confirmed certificate is no longer valid
├── TagsUnreadableError         KL-2008  the tagging service does not answer
├── TaskInProgressError         KL-2011  another task holds the machine
├── FileLockedError             KL-2012  another process holds a file of the machine
├── ObjectGoneError             KL-2013  the machine, snapshot or task no longer exists
├── HostUnavailableError        KL-2014  vCenter does not reach the ESXi host
├── DatastoreFullError          KL-2015  no space for what vCenter was asked to do
├── QuiesceFailedError          KL-2016  the guest did not come to rest
├── MethodDisabledError         KL-2017  another product has locked this operation
├── DatastoreFileError          KL-2018  a file on a datastore is missing or unreadable
├── VcenterRefusedError         KL-2019  any other fault, by its name
├── VcenterAnswerError          KL-2020  an answer against vSphere's own rules
├── TaskTimedOutError           KL-2021  a task did not end in time
├── TaskCancelledError          KL-2022  a task was cancelled
├── SnapshotRemovalError        KL-2041  a snapshot of ours stays behind
├── ConsolidationError          KL-2042  the machine still needs disk consolidation
├── DatastoreTooSmallError      KL-2054  less free space than the machine needs
├── ForeignMachineError         KL-2055  a machine to be deleted does not carry our mark
└── ChangeTrackingError         KL-2200
    ├── TrackingQueryError      KL-2201  the query for changed areas was refused
    ├── TrackingResetError      KL-2202  the epoch is another one than the parent's
    ├── MisplacedPageError      KL-2203  a page does not start where it was asked to
    ├── EmptyPageError          KL-2204  a page covers nothing, or more than the disk
    ├── ImpossibleAreaError     KL-2205  an area is outside its page, unaligned or out of order
    └── ChangeIdMissingError    KL-2206  the snapshot's disk has no change id
InputError
├── ThumbprintFormatError       KL-2030  not 20 or 32 pairs of hexadecimal digits
├── MachineNotFoundError        KL-2031
├── MachineAmbiguousError       KL-2032
├── MachineExistsError          KL-2033  a new machine's name is taken
├── PlacementNotFoundError      KL-2051  a folder, pool, host, datastore or network is not there
├── PlacementAmbiguousError     KL-2052  several have that name
└── ConfigurationUnreadableError KL-2053 a stored configuration is not one of ours
"""

from __future__ import annotations

from datetime import datetime

from appliance.errors import ChangeTrackingError, InputError, VcenterError


class VcenterUnreachableError(VcenterError):
    """Nothing answers at vCenter's address, or not in time."""

    code = "KL-2001"
    remedy = "Check that the appliance reaches vCenter on this address and port, and that vCenter is up."
    transient = True

    def __init__(self, vcenter: str, reason: str) -> None:
        super().__init__(f"vCenter {vcenter} cannot be reached: {reason}")


class CertificateMismatchError(VcenterError):
    """VCenter presents another certificate than the one that was confirmed."""

    code = "KL-2002"
    remedy = (
        "If vCenter's certificate was replaced on purpose, compare the new thumbprint in vCenter itself "
        "and confirm it with `keepline vcenter add`. Otherwise somebody is between you and vCenter."
    )

    def __init__(self, vcenter: str, pinned: str, presented: str) -> None:
        super().__init__(
            f"vCenter {vcenter} presents a certificate with thumbprint {presented}; confirmed was {pinned}"
        )


class LoginRefusedError(VcenterError):
    """VCenter does not take this user with this password."""

    code = "KL-2003"
    remedy = (
        "Check user and password (with the domain: user@vsphere.local), and that the account is not locked."
    )

    def __init__(self, vcenter: str, user: str) -> None:
        super().__init__(f"vCenter {vcenter} refused the log-in of {user}")


class SessionLostError(VcenterError):
    """VCenter ended the session, and again right after a new log-in."""

    code = "KL-2004"
    remedy = "Look for a limit on sessions or a policy that ends them; the run can be started again."
    transient = True


class PermissionMissingError(VcenterError):
    """The account's role lacks a privilege."""

    code = "KL-2005"
    remedy = "Add the named privilege to the role of Keepline's account on the named object."


class NotVcenterError(VcenterError):
    """Something else than a vCenter answers: an ESXi host has no instance UUID and no access locks."""

    code = "KL-2006"
    remedy = "Give the address of the vCenter that manages the machines, not of an ESXi host."

    def __init__(self, address: str, product: str) -> None:
        super().__init__(f"{address} is {product}, not a vCenter")


class CertificateExpiredError(VcenterError):
    """VCenter still presents the confirmed certificate, but it is past its time."""

    code = "KL-2007"
    remedy = "Renew vCenter's certificate, then confirm the new thumbprint with `keepline vcenter add`."

    def __init__(self, vcenter: str, not_after: datetime) -> None:
        super().__init__(
            f"the certificate of vCenter {vcenter} is not valid now; it ends {not_after:%Y-%m-%d}"
        )


class TagsUnreadableError(VcenterError):
    """VCenter's tagging service does not answer: nobody can tell which machines have which tags."""

    code = "KL-2008"
    remedy = (
        "Check in vCenter's management page (port 5480) that the service VMware vAPI Endpoint runs, and that "
        "vCenter is 7.0 Update 2 or newer. Policies that ask for tags wait until it answers."
    )
    transient = True

    def __init__(self, vcenter: str, reason: str) -> None:
        super().__init__(f"the tags of vCenter {vcenter} cannot be read: {reason}")


class TaskInProgressError(VcenterError):
    """Another task holds the machine."""

    code = "KL-2011"
    remedy = "Wait until the other task in vCenter's Recent Tasks has ended, then start the run again."
    transient = True


class FileLockedError(VcenterError):
    """Another process holds a file of the machine."""

    code = "KL-2012"
    remedy = (
        "A disk of the machine may still be attached to a backup proxy: detach it there, then start again."
    )
    transient = True


class ObjectGoneError(VcenterError):
    """What a reference names no longer exists in vCenter."""

    code = "KL-2013"
    remedy = "The object was removed meanwhile; start the run again."


class HostUnavailableError(VcenterError):
    """VCenter cannot reach the ESXi host that must carry the operation out."""

    code = "KL-2014"
    remedy = "Check the host's state in vCenter; start the run again when it is connected."
    transient = True


class DatastoreFullError(VcenterError):
    """A datastore has no space for what vCenter was asked to do."""

    code = "KL-2015"
    remedy = "Free space on the datastore named in the message, then start the run again."


class QuiesceFailedError(VcenterError):
    """The guest could not be brought to rest before the snapshot."""

    code = "KL-2016"
    remedy = (
        "Look at the guest's VSS writers or VMware Tools, or let the policy accept crash-consistent points."
    )
    transient = True


class MethodDisabledError(VcenterError):
    """The operation is locked for this machine, usually by another backup."""

    code = "KL-2017"
    remedy = "Wait for the other backup to end; if none runs, remove the leftover lock (Broadcom KB 2008957)."
    transient = True


class DatastoreFileError(VcenterError):
    """A file on a datastore is missing, broken, or cannot be transferred."""

    code = "KL-2018"
    remedy = "Look at the file named in the message with the datastore browser."


class VcenterRefusedError(VcenterError):
    """VCenter answered with a fault that has no error of its own here; the message names it."""

    code = "KL-2019"


class VcenterAnswerError(VcenterError):
    """VCenter's answer breaks vSphere's own rules, so nothing can be built on it."""

    code = "KL-2020"
    remedy = "Start the run again; if it repeats, report it with vCenter's version."


class TaskTimedOutError(VcenterError):
    """A vCenter task did not end within its limit; it may still be running."""

    code = "KL-2021"
    remedy = "Look at the task in vCenter's Recent Tasks; start the run again when it has ended."
    transient = True


class TaskCancelledError(VcenterError):
    """A vCenter task was cancelled, by Keepline or by someone in vCenter."""

    code = "KL-2022"
    remedy = "Start the run again when it should be done after all."


class SnapshotRemovalError(VcenterError):
    """A snapshot of ours could not be removed; the reaper tries again."""

    code = "KL-2041"
    remedy = (
        "The next start of the engine tries again; until then do not delete the snapshot's files by hand."
    )
    transient = True


class ConsolidationError(VcenterError):
    """The machine's disks still need consolidation after the snapshot was removed."""

    code = "KL-2042"
    remedy = "Run Snapshots, Consolidate on the machine in vCenter."
    transient = True


class DatastoreTooSmallError(VcenterError):
    """The target datastore has less free space than the machine needs."""

    code = "KL-2054"
    remedy = "Choose another datastore or free space on this one; nothing was created."

    def __init__(self, datastore: str, needed: int, free: int) -> None:
        super().__init__(f"datastore {datastore} has {free} bytes free, {needed} are needed")


class ForeignMachineError(VcenterError):
    """A machine that is to be deleted does not carry this installation's mark of an unfinished restore."""

    code = "KL-2055"
    remedy = "Delete the machine in vCenter yourself if it is not wanted."

    def __init__(self, machine: str, found: str, wanted: str) -> None:
        super().__init__(f"machine {machine} is not deleted: it carries the mark {found!r}, not {wanted!r}")


class TrackingQueryError(ChangeTrackingError):
    """VCenter refused the query for changed areas."""

    code = "KL-2201"


class TrackingResetError(ChangeTrackingError):
    """Change tracking was started anew since the parent recovery point."""

    code = "KL-2202"


class MisplacedPageError(ChangeTrackingError):
    """A page of changed areas does not start where it was asked to."""

    code = "KL-2203"


class EmptyPageError(ChangeTrackingError):
    """A page of changed areas covers nothing, or reaches behind the disk's end."""

    code = "KL-2204"


class ImpossibleAreaError(ChangeTrackingError):
    """A changed area lies outside its page, is not made of whole sectors, or is out of order."""

    code = "KL-2205"


class ChangeIdMissingError(ChangeTrackingError):
    """The disk has no change id in the snapshot: tracking is not in effect there."""

    code = "KL-2206"


class ThumbprintFormatError(InputError):
    """A thumbprint is neither 20 (SHA-1) nor 32 (SHA-256) pairs of hexadecimal digits."""

    code = "KL-2030"
    remedy = "Give the thumbprint as vCenter shows it: 32 (or 20) pairs of hexadecimal digits with colons."

    def __init__(self, thumbprint: str) -> None:
        super().__init__(f"not a certificate thumbprint: {thumbprint!r}")


class MachineNotFoundError(InputError):
    """No machine of this name, inventory path, UUID or moref."""

    code = "KL-2031"
    remedy = (
        "List the machines with `keepline vm list` and use a name, a path or an instance UUID from there."
    )

    def __init__(self, wanted: str, vcenter: str) -> None:
        super().__init__(f"vCenter {vcenter} has no machine {wanted!r}")


class MachineAmbiguousError(InputError):
    """Several machines answer to this name."""

    code = "KL-2032"
    remedy = "Use the inventory path or the instance UUID of the one that is meant."

    def __init__(self, wanted: str, candidates: list[str]) -> None:
        super().__init__(f"{wanted!r} is the name of {len(candidates)} machines: {', '.join(candidates)}")


class MachineExistsError(InputError):
    """The target folder holds a machine of that name."""

    code = "KL-2033"
    remedy = "Choose another name for the restored machine; nothing was created."

    def __init__(self, name: str) -> None:
        super().__init__(f"the target folder already holds something called {name!r}")


class PlacementNotFoundError(InputError):
    """A place a machine should be created in does not exist."""

    code = "KL-2051"
    remedy = "Name an existing one; nothing was created."

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        listing = ", ".join(sorted(known)[:20]) or "none"
        super().__init__(f"there is no {kind} {name!r}; known: {listing}")


class PlacementAmbiguousError(InputError):
    """Several places have this name."""

    code = "KL-2052"
    remedy = "Give the whole inventory path, or name one where none is given; nothing was created."

    def __init__(self, kind: str, name: str, candidates: list[str]) -> None:
        super().__init__(f"{name!r} could be any {kind} of: {', '.join(sorted(candidates)[:20])}")


class ConfigurationUnreadableError(InputError):
    """A stored machine configuration cannot be turned into a new machine."""

    code = "KL-2053"
    remedy = "Restore the disks alone, to files or over an existing machine."
