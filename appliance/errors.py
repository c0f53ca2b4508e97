"""The tree of errors every part of Keepline raises; adapters translate foreign exceptions into it.

ApplianceError
├── InputError                 KL-1xxx  what was asked cannot be done as asked; nothing was touched
├── VcenterError               KL-2xxx  vCenter refused, is away, or answered against its own rules
│   └── ChangeTrackingError    KL-22xx  change tracking cannot be used for this run
├── DiskTransportError         KL-3xxx  VDDK, its installation, or the path to an ESXi host
├── RepositoryError            KL-4xxx  the repository: reachable, ours, whole
│   └── DamageError            KL-45xx  stored bytes are missing or not what was written
├── RunError                   KL-5xxx  a run ended in a way that needs a word
├── ApplianceStateError        KL-6xxx  state database, locks, the appliance's own folder
└── NotificationError          KL-7xxx  a message cannot be delivered

Concrete classes live beside the code that raises them; each has its own `code`, `remedy` and `transient`.
`docs/errors.md` is generated from this tree, and a test fails when two classes share a code.
"""

from __future__ import annotations

from typing import ClassVar


class ApplianceError(Exception):
    """What happened to which named thing; the class says what to do about it.

    Attributes:
        code: stable identifier, shown to people and matched by scripts.
        remedy: one or two sentences: what the admin does next.
        transient: whether trying the same again later may succeed without a change by anyone.
        exit_status: what the command line ends with.
    """

    code: ClassVar[str] = "KL-0000"
    remedy: ClassVar[str] = "This is a defect in Keepline: please report it with the run's log."
    transient: ClassVar[bool] = False
    exit_status: ClassVar[int] = 1


class InputError(ApplianceError):
    """What was asked cannot be done as asked."""

    code = "KL-1000"
    remedy = "Correct the command and run it again."
    exit_status = 2


class VcenterError(ApplianceError):
    """VCenter refused, is away, or broke its own rules."""

    code = "KL-2000"
    remedy = "Look at the task in vCenter's Recent Tasks, correct what it names, and start the run again."
    exit_status = 3


class ChangeTrackingError(VcenterError):
    """Changed block tracking cannot be used for this disk in this run."""

    code = "KL-2200"
    remedy = "Nothing to do: the run reads the whole disk and stores what differs."


class DiskTransportError(ApplianceError):
    """VDDK, its installation, or the path to an ESXi host failed."""

    code = "KL-3000"
    remedy = "Check that the appliance reaches TCP 902 of every ESXi host, then start the run again."
    exit_status = 4


class RepositoryError(ApplianceError):
    """The repository cannot be used as asked."""

    code = "KL-4000"
    remedy = "Check the folder or mount that holds the repository."
    exit_status = 5


class DamageError(RepositoryError):
    """Stored bytes are missing or are not what was written."""

    code = "KL-4500"
    remedy = "Run `keepline repository check --read-data` to see every point that is affected."
    exit_status = 6


class RunError(ApplianceError):
    """A run ended in a way that needs a word."""

    code = "KL-5000"
    remedy = "Read the run's log with `keepline run show`."
    exit_status = 7


class RunCancelledError(RunError):
    """The run stopped because someone asked it to; it left nothing in vCenter."""

    code = "KL-5001"
    remedy = "Nothing to do: start the run again when it is wanted."
    exit_status = 11


class ApplianceStateError(ApplianceError):
    """The appliance's own folder, database or lock cannot be used."""

    code = "KL-6000"
    remedy = "Check the folder named in the message: it must exist, be writable and have free space."
    exit_status = 8


class NotificationError(ApplianceError):
    """A message of the notifier was not delivered."""

    code = "KL-7000"
    remedy = "Correct the notifier's settings, and try them with `keepline notifier test`."
    exit_status = 9
