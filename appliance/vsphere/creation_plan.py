"""From a stored configuration to the specification of a new machine; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyVmomi import vim

from appliance.vsphere.addresses import disk_addresses
from appliance.vsphere.documents import (
    CapturedPlace,
    Json,
    flag,
    kind,
    label_of,
    needed_number,
    number,
    parse_document,
    part,
    parts,
    text,
)
from appliance.vsphere.errors import ConfigurationUnreadableError
from appliance.vsphere.planned_devices import DEFAULT_DEVICES, PLANNERS, DeviceDraft, DeviceWishes

# Options that belong to the captured machine's life and not to its nature: change tracking, migrations,
# identity, swap and log files, disk chains, what vCenter writes for itself, and marks of ours.
_DROPPED_OPTIONS = re.compile(
    r"""(.*\.)?ctk(Enabled|Disallowed)$ | changeTracking | migrate\. | migration\. | vmotion\.
    | uuid\. | vc\.uuid$ | viv\.moid$ | nvram$ | (.*\.)?redo$ | .*\.derivedName$
    | cleanShutdown$ | softPowerOff$ | replay\. | checkpoint\. | snapshot\.
    | toolsInstallManager\. | tools\.deployPkg | keepline\.
    | monitor\.phys_bits_used$ | evcCompatibilityMode$""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class CreationOptions:
    """How the new machine differs from the captured one.

    `device_keys`: the captured disks to create (None = all that can be); `keep_identity` keeps BIOS and
    instance UUID and MAC addresses (only when the original is gone). Cards of `connected_networks` (captured
    names) connect when the machine is powered on, as far as they did; all others stay disconnected.
    """

    name: str
    device_keys: frozenset[int] | None = None
    keep_identity: bool = False
    connected_networks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedDisk:
    """A disk the new machine gets: the captured disk's key and label, and its address on the controllers."""

    source_key: int
    label: str
    capacity: int
    address: str


@dataclass(frozen=True, slots=True)
class CreationPlan:
    """What `create_machine` needs; `specification` lacks what only vCenter knows (datastore, networks).

    `networks` are the names of the networks its cards want, by the cards' keys in the specification.
    """

    name: str
    specification: vim.vm.ConfigSpec
    disks: tuple[PlannedDisk, ...]
    networks: tuple[tuple[int, str], ...]
    place: CapturedPlace
    warnings: tuple[str, ...]


def creation_plan(document: str, options: CreationOptions) -> CreationPlan:
    """The plan for a new machine like the one in `document` (`MachineConfiguration.document`).

    Raises:
        ConfigurationUnreadableError: the document is not one of ours, or lacks what a machine needs.
    """
    captured = parse_document(document)
    hardware = part(captured.config, "hardware")
    devices = parts(hardware, "device")
    wishes = DeviceWishes(
        options.device_keys, options.keep_identity, options.connected_networks, captured.networks
    )
    draft = _plan_devices(devices, wishes)
    specification = _specification(captured.config, hardware, options)
    specification.deviceChange = draft.changes
    return CreationPlan(
        name=options.name,
        specification=specification,
        disks=_planned_disks(devices, draft, options),
        networks=tuple(sorted(draft.network_of_card.items(), reverse=True)),
        place=captured.place,
        warnings=(*draft.warnings, *_machine_warnings(captured.config)),
    )


def _plan_devices(devices: list[Json], wishes: DeviceWishes) -> DeviceDraft:
    draft = DeviceDraft(wishes)
    # Controllers first: what hangs on them needs their new keys.
    for device in sorted(devices, key=lambda one: not kind(one).endswith("Controller")):
        planner = PLANNERS.get(kind(device))
        if planner is not None:
            planner(device, draft)
        elif kind(device) not in DEFAULT_DEVICES:
            draft.warnings.append(f"{label_of(device)} is not created: {kind(device)} is tied to its place")
    return draft


def _planned_disks(
    devices: list[Json], draft: DeviceDraft, options: CreationOptions
) -> tuple[PlannedDisk, ...]:
    missing = sorted((options.device_keys or frozenset()) - draft.disks.keys())
    if missing:
        raise ConfigurationUnreadableError(f"the configuration has no disks with keys {missing}")
    captured = {number(device, "key"): device for device in devices}
    addresses = disk_addresses(change.device for change in draft.changes if change.device is not None)
    planned = []
    for source_key, disk in draft.disks.items():
        label = label_of(captured[source_key])
        if disk.key not in addresses:
            raise ConfigurationUnreadableError(f"{label} hangs on a controller that cannot be made")
        planned.append(PlannedDisk(source_key, label, int(disk.capacityInBytes or 0), addresses[disk.key]))
    return tuple(planned)


def _specification(config: Json, hardware: Json, options: CreationOptions) -> vim.vm.ConfigSpec:
    """The machine without its devices. Change tracking is not taken over: it begins anew with new disks."""
    specification = vim.vm.ConfigSpec(
        name=options.name,
        guestId=text(config, "guestId") or "otherGuest",
        version=text(config, "version") or None,
        annotation=text(config, "annotation") or None,
        firmware=text(config, "firmware") or None,
        numCPUs=needed_number(hardware, "numCPU"),
        numCoresPerSocket=number(hardware, "numCoresPerSocket") or None,
        memoryMB=needed_number(hardware, "memoryMB"),
        cpuHotAddEnabled=flag(config, "cpuHotAddEnabled"),
        cpuHotRemoveEnabled=flag(config, "cpuHotRemoveEnabled"),
        memoryHotAddEnabled=flag(config, "memoryHotAddEnabled"),
        nestedHVEnabled=flag(config, "nestedHVEnabled"),
        vPMCEnabled=flag(config, "vPMCEnabled"),
        bootOptions=_boot_options(part(config, "bootOptions")),
        extraConfig=_kept_options(parts(config, "extraConfig")),
    )
    if options.keep_identity:
        specification.uuid = text(config, "uuid") or None
        specification.instanceUuid = text(config, "instanceUuid") or None
    return specification


def _boot_options(boot: Json) -> vim.vm.BootOptions | None:
    if not boot:
        return None
    # The boot order names devices by keys the new machine does not have.
    return vim.vm.BootOptions(
        bootDelay=number(boot, "bootDelay"),
        bootRetryEnabled=flag(boot, "bootRetryEnabled"),
        bootRetryDelay=number(boot, "bootRetryDelay"),
        efiSecureBootEnabled=flag(boot, "efiSecureBootEnabled"),
    )


def _kept_options(options: list[Json]) -> list[vim.option.OptionValue]:
    return [
        vim.option.OptionValue(key=text(option, "key"), value=text(option, "value"))
        for option in options
        if text(option, "key") and not _DROPPED_OPTIONS.match(text(option, "key"))
    ]


def _machine_warnings(config: Json) -> list[str]:
    warnings = []
    if part(config, "keyId"):
        warnings.append("the machine was encrypted by vSphere; the new one is not")
    if part(config, "vAppConfig"):
        warnings.append("the machine's vApp properties are not taken over")
    return warnings
