"""A vCenter in memory, for whoever asks through `VcenterGateway`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from appliance.model.identifiers import ManagedObjectId
from appliance.model.policies import Tag
from appliance.model.target_places import TargetCompute, TargetDatastore, TargetPlaces
from appliance.model.units import GIB
from appliance.model.virtual_machines import MachineIdentity, PowerState, VirtualDisk, VirtualMachine
from appliance.services import VcenterSession
from appliance.vsphere import AttachedTags, PresentedCertificate, VcenterAddress
from appliance.vsphere.errors import (
    LoginRefusedError,
    MachineAmbiguousError,
    MachineNotFoundError,
    TagsUnreadableError,
    VcenterUnreachableError,
)

SHA256 = ":".join(f"{number:02X}" for number in range(32))
SHA1 = ":".join(f"{number:02X}" for number in range(20))


def machine(name: str, number: int = 1, *, is_template: bool = False) -> VirtualMachine:
    """A machine with one disk."""
    disk = VirtualDisk(2000, "Hard disk 1", 8 * GIB, f"[s] {name}/{name}.vmdk", f"6000C29A-{number}")
    return VirtualMachine(
        moref=ManagedObjectId(f"vm-{number}"),
        identity=MachineIdentity("vcenter-uuid", f"machine-uuid-{number}"),
        bios_uuid=f"bios-{number}",
        name=name,
        path=f"/DC/vm/{name}",
        power_state=PowerState.ON,
        host="esx-1",
        is_template=is_template,
        change_tracking_enabled=True,
        change_tracking_supported=True,
        snapshot_count=0,
        disks=(disk,),
    )


CENTERS = ("/DC", "/Paris", "/dc")


def some_places() -> TargetPlaces:
    """In each datacenter a cluster of two hosts, a host of its own, two datastores and two networks."""
    return TargetPlaces(
        datacenters=CENTERS,
        folders=(
            "/DC/vm",
            "/dc/vm",
            "/dc/vm/other",
            *(f"/Paris/vm{path}" for path in ("", "/Office", "/Production", "/Lab")),
        ),
        computes=tuple(compute for center in CENTERS for compute in _computes(center)),
        datastores=tuple(
            TargetDatastore(f"{center}/datastore/{name}", 900 * GIB, free * GIB)
            for center in CENTERS
            for name, free in (("ssd-1", 300), ("bulk", 400))
        ),
        networks=tuple(f"{center}/network/{name}" for center in CENTERS for name in NETWORKS),
    )


NETWORKS = ("Isolated", "VM Network")


def _computes(center: str) -> list[TargetCompute]:
    """The host of its own reaches one datastore only."""
    bulk = frozenset({f"{center}/datastore/bulk"})
    both = bulk | {f"{center}/datastore/ssd-1"}
    networks = frozenset(f"{center}/network/{name}" for name in NETWORKS)
    return [
        TargetCompute(f"{center}/host/Gold", True, both, networks),
        TargetCompute(f"{center}/host/Gold/esx-01", False, both, networks),
        TargetCompute(f"{center}/host/Gold/esx-02", False, both, networks, usable=False),
        TargetCompute(f"{center}/host/esx-09/esx-09", False, bulk, networks),
    ]


@dataclass(slots=True)
class FakeVcenters:
    """Implements `VcenterGateway` for one vCenter that knows one account.

    `tags` are those it has, each with the machines it hangs on; None while its tagging service is down.
    """

    host: str = "vc.example"
    user: str = "backup@vsphere.local"
    password: str = "correct horse"
    inventory: list[VirtualMachine] = field(default_factory=list)
    addresses: list[VcenterAddress] = field(default_factory=list)
    places: TargetPlaces = field(default_factory=some_places)
    tags: dict[Tag, set[ManagedObjectId]] | None = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    tag_questions: int = 0

    def certificate(self, host: str, port: int) -> PresentedCertificate:
        if host != self.host:
            raise VcenterUnreachableError(f"{host}:{port}", "no route")
        return PresentedCertificate(SHA1, SHA256, "pem", "CN=vc", datetime(2030, 1, 1, tzinfo=UTC))

    @contextmanager
    def session(self, address: VcenterAddress) -> Iterator[VcenterSession]:
        self.addresses.append(address)
        if (address.user, address.password) != (self.user, self.password):
            raise LoginRefusedError(address.label, address.user)
        yield FakeSession(self)


@dataclass(slots=True)
class FakeSession:
    """Implements `VcenterSession`."""

    vcenter: FakeVcenters
    instance_uuid: str = "vcenter-uuid"
    product: str = "VMware vCenter Server 8.0.3"

    def machines(self) -> list[VirtualMachine]:
        return self.vcenter.inventory

    def machine(self, wanted: str) -> VirtualMachine:
        names = [each for each in self.vcenter.inventory if wanted in (each.name, each.path, each.moref)]
        if not names:
            raise MachineNotFoundError(wanted, self.vcenter.host)
        if len(names) > 1:
            raise MachineAmbiguousError(wanted, [each.path for each in names])
        return names[0]

    def attached_tags(self, wanted: Collection[Tag]) -> AttachedTags:
        self.vcenter.tag_questions += 1
        if self.vcenter.tags is None:
            raise TagsUnreadableError(self.vcenter.host, "HTTP 503 Service Unavailable")
        found: dict[ManagedObjectId, frozenset[Tag]] = {}
        for tag in self.vcenter.tags.keys() & wanted:
            for moref in self.vcenter.tags[tag]:
                found[moref] = found.get(moref, frozenset()) | {tag}
        return AttachedTags(found, frozenset(wanted) - self.vcenter.tags.keys())

    def missing_folders(self, wanted: Collection[str]) -> frozenset[str]:
        return frozenset(wanted) - self.vcenter.folders

    def places(self) -> TargetPlaces:
        return self.vcenter.places
