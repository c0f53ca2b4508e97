"""vCenters: add with a confirmed certificate, test, list, remove."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from appliance.errors import ApplianceError
from appliance.security import SecretSealer, vcenter_password_purpose
from appliance.services.errors import (
    NoVcenterError,
    StillInUseError,
    ThumbprintDiffersError,
    ThumbprintNotConfirmedError,
)
from appliance.services.vcenter_gateway import VcenterGateway, VcenterSession
from appliance.state import JournalStore, StoredVcenter, VcenterStore
from appliance.vsphere import PresentedCertificate, VcenterAddress


@dataclass(frozen=True, slots=True)
class NewVcenter:
    """What an admin says about a vCenter; `thumbprint` is empty where it was not given."""

    name: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    thumbprint: str = ""


@dataclass(frozen=True, slots=True)
class ListedVcenter:
    """A vCenter as it is shown: nothing secret."""

    name: str
    host: str
    port: int
    user: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question of a test and its answer; `failure` is None where all is well."""

    name: str
    detail: str
    failure: ApplianceError | None = None


class VcenterService:
    """The vCenters of this appliance."""

    def __init__(
        self,
        vcenters: VcenterStore,
        journal: JournalStore,
        sealer: SecretSealer,
        gateway: VcenterGateway,
    ) -> None:
        self._vcenters = vcenters
        self._journal = journal
        self._sealer = sealer
        self._gateway = gateway

    def presented(self, host: str, port: int) -> PresentedCertificate:
        """The certificate for an admin to confirm."""
        return self._gateway.certificate(host, port)

    def add(self, new: NewVcenter) -> ListedVcenter:
        """Remember a vCenter after one log-in that proves host, certificate, user and password.

        The same name with the same address replaces what was known: a new password or certificate.

        Raises:
            ThumbprintNotConfirmedError: none was given; the message holds the presented one.
            ThumbprintDiffersError: the given one is not the presented one.
            VcenterExistsError: the name is taken by a vCenter at another address.
            VcenterError: it cannot be reached, or refuses the log-in.
        """
        presented = self._gateway.certificate(new.host, new.port)
        _require_confirmed(new, presented)
        address = VcenterAddress(new.host, new.user, new.password, presented.sha256, new.port)
        with self._gateway.session(address):
            pass
        stored = StoredVcenter(
            name=new.name,
            host=new.host,
            port=new.port,
            user=new.user,
            thumbprint=presented.sha256,
            sealed_password=self._sealer.seal(vcenter_password_purpose(new.name), new.password),
        )
        self._vcenters.put(stored)
        return _listed(stored)

    def test(self, name: str) -> list[Check]:
        """What a backup will need from this vCenter, asked for one by one; stops at the first no."""
        stored = self._vcenters.find(name)
        checks: list[Check] = []
        try:
            presented = self._gateway.certificate(stored.host, stored.port)
            checks.append(Check("certificate", f"valid until {presented.not_after:%Y-%m-%d}"))
            with self._gateway.session(self.address_of(name)) as session:
                checks.append(Check("log-in", f"{stored.user} at {session.product}"))
                checks.append(
                    Check("inventory", f"machines that this account sees: {len(session.machines())}")
                )
        except ApplianceError as error:
            checks.append(Check(_next_check(checks), str(error), error))
        return checks

    def list(self) -> list[ListedVcenter]:
        """All of them, by name."""
        return [_listed(stored) for stored in self._vcenters.list()]

    def remove(self, name: str) -> None:
        """Forget a vCenter and its password; recovery points stay.

        Raises:
            VcenterNotFoundError: there is none of this name.
            StillInUseError: a run may have left something there that only this log-in can take away.
        """
        left = next((entry for entry in self._journal.open_entries() if entry.vcenter == name), None)
        if left is not None:
            raise StillInUseError(f"run {left.run} may have left a {left.kind} in vCenter {name}")
        self._vcenters.remove(name)

    def address_of(self, name: str) -> VcenterAddress:
        """Everything needed to log in.

        Raises:
            VcenterNotFoundError: there is none of this name.
            SecretUnreadableError: its password was sealed with another key.
        """
        stored = self._vcenters.find(name)
        password = self._sealer.unseal(vcenter_password_purpose(name), stored.sealed_password)
        return VcenterAddress(stored.host, stored.user, password, stored.thumbprint, stored.port)

    def name_of_only(self) -> str:
        """The name of the vCenter that is meant when none is named.

        Raises:
            NoVcenterError: there is none, or there are several.
        """
        names = [stored.name for stored in self._vcenters.list()]
        if len(names) != 1:
            raise NoVcenterError(f"which vCenter is meant? Known: {', '.join(names) or 'none'}")
        return names[0]

    @contextmanager
    def session(self, name: str) -> Iterator[VcenterSession]:
        """A log-in to the vCenter of this name for as long as the context is open."""
        with self._gateway.session(self.address_of(name)) as session:
            yield session


def _require_confirmed(new: NewVcenter, presented: PresentedCertificate) -> None:
    if not new.thumbprint:
        raise ThumbprintNotConfirmedError(
            f"{new.host}:{new.port} presents the certificate {presented.sha256} (SHA-256), not confirmed yet"
        )
    given = _bare(new.thumbprint)
    if given not in (_bare(presented.sha256), _bare(presented.sha1)):
        raise ThumbprintDiffersError(
            f"{new.host}:{new.port} presents the certificate {presented.sha256}, given was {new.thumbprint}"
        )


def _bare(thumbprint: str) -> str:
    return thumbprint.replace(":", "").replace(" ", "").lower()


def _next_check(done: list[Check]) -> str:
    return ("certificate", "log-in", "inventory")[len(done)]


def _listed(stored: StoredVcenter) -> ListedVcenter:
    return ListedVcenter(stored.name, stored.host, stored.port, stored.user, stored.thumbprint)
