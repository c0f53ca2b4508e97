"""A machine's configuration as it goes into a recovery point."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from pyVmomi import vim
from pyVmomi.VmomiJSONEncoder import VmomiJSONEncoder

from appliance.model.identifiers import ManagedObjectId
from appliance.model.virtual_machines import MachineConfiguration, VirtualMachine
from appliance.progress import ProgressSink
from appliance.vsphere.connection import VcenterConnection
from appliance.vsphere.datastore_files import DatastoreFile, datastore_file, read_file
from appliance.vsphere.documents import DOCUMENT_FORMAT
from appliance.vsphere.errors import DatastoreFileError, VcenterAnswerError
from appliance.vsphere.faults import translated
from appliance.vsphere.places import Places, places_around
from appliance.vsphere.properties import Properties, properties_of, properties_of_each
from appliance.vsphere.snapshot_tree import SnapshotFacts

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What a machine's configuration only refers to: where it lies and runs, and what networks are called."""

    machine: Properties
    places: Places
    networks: dict[str, str]

    @property
    def datacenter(self) -> str:
        return self.places.path(self.places.datacenter_of(self.machine.get("resourcePool")))

    def document(self, home: str) -> dict[str, object]:
        """As it is stored; `home` is the name of the datastore with the machine's .vmx."""
        datastores = [one for one in self.machine.get("datastore", ()) if self.places.name(one) == home]
        return {
            "datacenter": self.datacenter,
            "folder": self.places.path(
                self.places.folder_of(self.machine.get("parent") or self.machine.get("parentVApp"))
            ),
            "resource_pool": self.places.path(self.machine.get("resourcePool")),
            "host": self.places.path(self.machine.get("runtime.host")),
            "datastore": self.places.path(datastores[0]) if datastores else "",
            "networks": self.networks,
        }


def read_configuration(
    connection: VcenterConnection,
    machine: VirtualMachine,
    snapshot: SnapshotFacts,
    *,
    progress: ProgressSink | None = None,
) -> MachineConfiguration:
    """All of the machine that is not the content of its disks, as of the snapshot.

    `document` is JSON with the keys `format` (1), `captured_from` (inventory paths of datacenter, folder,
    pool, host and datastore, and the names of networks by their ids) and `config` (the snapshot's
    `vim.vm.ConfigInfo` as pyVmomi's encoder writes it). A .vmx or .nvram that vCenter does not hand out
    is said to `progress` and left out: the machine can be restored without either.

    Raises:
        VcenterError: vCenter refuses the configuration itself, or is away.
    """
    with translated(f"reading the configuration of {machine.name}"):
        at = connection.object_of(vim.vm.Snapshot, snapshot.moref)
        configuration: vim.vm.ConfigInfo | None = properties_of(connection, at, "config").get("config")
        around = _surroundings(connection, machine.moref)
    if configuration is None or configuration.files is None or not configuration.files.vmPathName:
        raise VcenterAnswerError(f"{snapshot.moref} of {machine.name} has no configuration with a .vmx in it")
    vmx = datastore_file(around.datacenter, configuration.files.vmPathName)
    document = {
        "format": DOCUMENT_FORMAT,
        "captured_from": around.document(vmx.datastore),
        "config": configuration,
    }
    return MachineConfiguration(
        document=json.dumps(document, cls=VmomiJSONEncoder, strip_dynamic=True, sort_keys=True),
        vmx=_content(connection, vmx, progress),
        nvram=_content(connection, nvram_beside(vmx, configuration.extraConfig), progress),
    )


def nvram_beside(vmx: DatastoreFile, options: list[vim.option.OptionValue]) -> DatastoreFile:
    """The file of the firmware's variables: the option `nvram` names it, else it is called like the .vmx."""
    named = next((str(option.value) for option in options if option.key == "nvram" and option.value), None)
    return vmx.sibling(named or vmx.path.rpartition("/")[2].removesuffix(".vmx") + ".nvram")


def _content(
    connection: VcenterConnection, file: DatastoreFile, progress: ProgressSink | None
) -> bytes | None:
    try:
        return read_file(connection, file) or None  # an empty file says as little as none
    except DatastoreFileError as error:
        log.warning(
            "a file of the machine was not readable", extra={"file": file.label, "reason": str(error)}
        )
        if progress is not None:
            progress.message(f"the point goes without {file.label}: {error}", warning=True)
        return None


def _surroundings(connection: VcenterConnection, moref: ManagedObjectId) -> _Surroundings:
    reference = connection.object_of(vim.VirtualMachine, moref)
    machine = properties_of(
        connection, reference, "parent", "parentVApp", "resourcePool", "runtime.host", "datastore", "network"
    )
    places = places_around(
        connection,
        machine.get("parent") or machine.get("parentVApp"),
        machine.get("resourcePool"),
        machine.get("runtime.host"),
        *machine.get("datastore", ()),
    )
    networks = _network_names(connection, machine.get("network", ()))
    return _Surroundings(machine, places, networks)


def _network_names(connection: VcenterConnection, networks: list[vim.Network]) -> dict[str, str]:
    """The networks' names by what a network card calls them: portgroup key (the moref) or opaque id."""
    names: dict[str, str] = {}
    for kind in {type(network) for network in networks}:
        same_kind = [network for network in networks if type(network) is kind]
        for moref, properties in properties_of_each(connection, same_kind, "name", "summary").items():
            names[moref] = str(properties.get("name", ""))
            if opaque := getattr(properties.get("summary"), "opaqueNetworkId", None):
                names[str(opaque)] = names[moref]
    return names
