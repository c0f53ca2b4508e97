"""What services ask a vCenter, as a port, and the implementation that asks a real one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from appliance import vsphere
from appliance.clock import Clock
from appliance.model.policies import Tag
from appliance.model.target_places import TargetPlaces
from appliance.model.virtual_machines import VirtualMachine
from appliance.vsphere import AttachedTags, PresentedCertificate, VcenterAddress, VcenterConnection


class VcenterSession(Protocol):
    """A logged-in look at one vCenter."""

    @property
    def instance_uuid(self) -> str:
        """VCenter's own UUID."""
        ...

    @property
    def product(self) -> str:
        """Name, version and build as vCenter states them."""
        ...

    def machines(self) -> list[VirtualMachine]:
        """All machines, by inventory path."""
        ...

    def machine(self, wanted: str) -> VirtualMachine:
        """The machine with this moref, instance UUID, inventory path or name.

        Raises:
            MachineNotFoundError: there is none.
            MachineAmbiguousError: several have this name.
        """
        ...

    def attached_tags(self, wanted: Collection[Tag]) -> AttachedTags:
        """Which machines have these tags.

        Raises:
            TagsUnreadableError: vCenter's tagging service does not answer, or not as it should.
            VcenterError: it refused, or is away.
        """
        ...

    def missing_folders(self, wanted: Collection[str]) -> frozenset[str]:
        """Those of these inventory paths at which there is no folder."""
        ...

    def places(self) -> TargetPlaces:
        """Where a restored machine can go."""
        ...


class VcenterGateway(Protocol):
    """The way to vCenters."""

    def certificate(self, host: str, port: int) -> PresentedCertificate:
        """What a server presents; nothing is trusted, nothing is sent.

        Raises:
            VcenterUnreachableError: nothing answers there.
        """
        ...

    def session(self, address: VcenterAddress) -> AbstractContextManager[VcenterSession]:
        """A log-in for as long as the context is open.

        Raises:
            VcenterError: unreachable, another certificate, or a refused log-in.
        """
        ...


class LoggedInVcenters:
    """Implements `run_context.VcenterDirectory` for the engine: connections by the name an admin gave."""

    def __init__(self, address_of: Callable[[str], VcenterAddress], clock: Clock) -> None:
        self._address_of = address_of
        self._clock = clock

    def connect(self, name: str) -> AbstractContextManager[VcenterConnection]:
        """See `VcenterDirectory`."""
        return vsphere.connect(self._address_of(name), self._clock)


class VsphereSession:
    """Implements `VcenterSession` by `appliance.vsphere`."""

    def __init__(self, connection: VcenterConnection) -> None:
        self._connection = connection

    @property
    def instance_uuid(self) -> str:
        """See `VcenterSession`."""
        return self._connection.instance_uuid

    @property
    def product(self) -> str:
        """See `VcenterSession`."""
        return self._connection.product

    def machines(self) -> list[VirtualMachine]:
        """See `VcenterSession`."""
        return vsphere.list_machines(self._connection)

    def machine(self, wanted: str) -> VirtualMachine:
        """See `VcenterSession`."""
        return vsphere.find_machine(self._connection, wanted)

    def attached_tags(self, wanted: Collection[Tag]) -> AttachedTags:
        """See `VcenterSession`."""
        return vsphere.attached_tags(self._connection, wanted)

    def missing_folders(self, wanted: Collection[str]) -> frozenset[str]:
        """See `VcenterSession`."""
        return vsphere.missing_folders(self._connection, wanted)

    def places(self) -> TargetPlaces:
        """See `VcenterSession`."""
        return vsphere.target_places(self._connection)


class VsphereGateway:
    """Implements `VcenterGateway` by `appliance.vsphere`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def certificate(self, host: str, port: int) -> PresentedCertificate:
        """See `VcenterGateway`."""
        return vsphere.presented_certificate(host, port)

    @contextmanager
    def session(self, address: VcenterAddress) -> Iterator[VcenterSession]:
        """See `VcenterGateway`."""
        with vsphere.connect(address, self._clock) as connection:
            yield VsphereSession(connection)
