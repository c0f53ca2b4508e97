"""Which machines a policy protects, and why it does not protect the others. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from operator import attrgetter

from appliance.model.policies import Policy, Selection, Tag
from appliance.model.virtual_machines import VirtualMachine


class LeftOutReason(StrEnum):
    """Why a machine that a policy asks for is not backed up by it."""

    TEMPLATE = "it is a template"
    AGENT = "it is an agent machine of vSphere Cluster Services"
    APPLIANCE = "it is the appliance itself"
    EXCLUDED = "its name is excluded"


@dataclass(frozen=True, slots=True)
class TaggedMachine:
    """A machine of the inventory with the tags that are attached to it."""

    machine: VirtualMachine
    tags: frozenset[Tag] = frozenset()


@dataclass(frozen=True, slots=True)
class SelectedMachine:
    """A machine that the policy protects; `because` is the first of the selection's words that fits."""

    machine: VirtualMachine
    because: str


@dataclass(frozen=True, slots=True)
class LeftOutMachine:
    """A machine that the selection's words fit, and that is left out all the same."""

    machine: VirtualMachine
    reason: LeftOutReason


@dataclass(frozen=True, slots=True)
class SelectedMachines:
    """What a selection makes of an inventory, both by inventory path."""

    selected: tuple[SelectedMachine, ...]
    left_out: tuple[LeftOutMachine, ...]


def select_machines(
    selection: Selection, inventory: Iterable[TaggedMachine], own_bios_uuid: str = ""
) -> SelectedMachines:
    """The machines that `selection` means; `own_bios_uuid` is that of the machine Keepline runs on."""
    selected: list[SelectedMachine] = []
    left_out: list[LeftOutMachine] = []
    reason_for = _reason_finder(selection)
    for candidate in sorted(inventory, key=attrgetter("machine.path", "machine.moref")):
        because = reason_for(candidate)
        if because is None:
            continue
        reason = _reason_against(selection, candidate.machine, own_bios_uuid)
        if reason is None:
            selected.append(SelectedMachine(candidate.machine, because))
        else:
            left_out.append(LeftOutMachine(candidate.machine, reason))
    return SelectedMachines(tuple(selected), tuple(left_out))


def policies_by_machine(
    policies: Iterable[Policy], inventories: Mapping[str, Sequence[TaggedMachine]], own_bios_uuid: str = ""
) -> dict[str, tuple[Policy, ...]]:
    """Which policies mean a machine, by its identity key; `inventories` by the name of the vCenter."""
    found: dict[str, tuple[Policy, ...]] = {}
    for policy in policies:
        inventory = inventories.get(policy.vcenter, ())
        for each in select_machines(policy.selection, inventory, own_bios_uuid).selected:
            key = each.machine.identity.key
            found[key] = (*found.get(key, ()), policy)
    return found


def folder_holds(folder: str, machine: VirtualMachine) -> bool:
    """Whether a machine lies below an inventory folder, however deep."""
    return machine.path.startswith(folder.rstrip("/") + "/")


def _reason_finder(selection: Selection) -> Callable[[TaggedMachine], str | None]:
    """Why a machine is meant, or None; made once, for a plan asks it of ten thousand machines."""
    names = [(pattern, _compiled(pattern.casefold())) for pattern in selection.names]
    folders = [(folder, folder.rstrip("/") + "/") for folder in selection.folders]

    def reason_for(candidate: TaggedMachine) -> str | None:
        name = candidate.machine.name.casefold()
        for pattern, compiled in names:
            if compiled.fullmatch(name):
                return f"its name matches {pattern}"
        for folder, prefix in folders:
            if candidate.machine.path.startswith(prefix):
                return f"it is in {folder}"
        return next((f"it has the tag {tag}" for tag in selection.tags if tag in candidate.tags), None)

    return reason_for


def _reason_against(
    selection: Selection, machine: VirtualMachine, own_bios_uuid: str
) -> LeftOutReason | None:
    if machine.is_template:
        return LeftOutReason.TEMPLATE
    if machine.is_cluster_agent:
        return LeftOutReason.AGENT
    if own_bios_uuid and machine.bios_uuid.lower() == own_bios_uuid.lower():
        return LeftOutReason.APPLIANCE
    if any(_matches(pattern, machine.name) for pattern in selection.exclude_names):
        return LeftOutReason.EXCLUDED
    return None


def _matches(pattern: str, name: str) -> bool:
    return _compiled(pattern.casefold()).fullmatch(name.casefold()) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
