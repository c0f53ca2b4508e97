"""What the console can be asked for wrongly."""

from __future__ import annotations

from appliance.errors import ApplianceError, InputError
from appliance.repository.errors import PointNotFoundError
from appliance.state import PolicyNotFoundError, RunNotFoundError, VcenterNotFoundError
from appliance.vsphere.errors import MachineNotFoundError


class ConsoleError(InputError):
    """What was asked of the console cannot be done as asked."""

    code = "KL-1200"


class SignInRefusedError(ConsoleError):
    """The password is not the administrator's."""

    code = "KL-1201"
    remedy = "Try again. A lost password is set anew with `keepline console password` on the appliance."


class TooManySignInsError(ConsoleError):
    """Somebody gave a wrong password too often."""

    code = "KL-1202"
    remedy = "Wait as long as the message says. Each further wrong password doubles the wait."
    transient = True


class NoConsolePasswordError(ConsoleError):
    """The console has no password yet, so nobody can sign in."""

    code = "KL-1203"
    remedy = "Run `keepline console password` on the appliance, then sign in with it."


class ConsolePasswordTooShortError(ConsoleError):
    """A new password of the console is too short."""

    code = "KL-1204"
    remedy = "Take at least 12 characters; three or four words are easy to remember and hard to guess."


class ForgedFormError(ConsoleError):
    """A form did not come from a page that this console has given to this session."""

    code = "KL-1205"
    remedy = "Open the page again and send the form from there."


class PlanStaleError(ConsoleError):
    """What a restore would do is not what its plan said when it was shown."""

    code = "KL-1206"
    remedy = "Read the plan as it is now, and start it if it is still what you want."


class PlanBlockedError(ConsoleError):
    """A check before a restore did not pass."""

    code = "KL-1207"
    remedy = "Do what the failed check says, then look at the plan again."


class MachineNotListedError(ConsoleError):
    """Neither a vCenter nor the repository knows this machine."""

    code = "KL-1208"
    remedy = "Look for it in the list of virtual machines; it may have been deleted together with its points."


class PlaceGoneError(ConsoleError):
    """The machine is in no vCenter that was read, so it cannot be backed up."""

    code = "KL-1209"
    remedy = "Refresh the inventory. Its recovery points can be restored as a new machine."


class WrongFieldError(ConsoleError):
    """A field of a form holds what it cannot hold."""

    code = "KL-1210"
    remedy = "Correct the field that the message names."


class InventoryBusyError(ConsoleError):
    """Another page is still reading the inventory that this one needs."""

    code = "KL-1231"
    remedy = "Open the page again in a minute; nothing but the list of machines waits for it."
    transient = True


class FiringNotFoundError(ConsoleError):
    """The policy has not settled such a due time."""

    code = "KL-1232"
    remedy = "Open the policy and choose one of those it lists."


class NothingMeantError(ConsoleError):
    """A policy means no machine today, so there is nothing to back up."""

    code = "KL-1233"
    remedy = "Look at the policy's names, folders and tags, or at what carries them in vCenter."


NOT_FOUND: tuple[type[ApplianceError], ...] = (
    FiringNotFoundError,
    MachineNotFoundError,
    MachineNotListedError,
    PointNotFoundError,
    PolicyNotFoundError,
    RunNotFoundError,
    VcenterNotFoundError,
)
"""Errors that say: there is no such thing."""
