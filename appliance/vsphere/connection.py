"""A logged-in connection to one vCenter: certificate pinned, kept alive, logged in again when it must be."""

from __future__ import annotations

import contextlib
import logging
import ssl
import threading
from types import TracebackType
from typing import Self, TypeVar

from pyVmomi import vim, vmodl
from pyVmomi.VmomiSupport import ManagedObject

from appliance.clock import Clock
from appliance.errors import VcenterError
from appliance.vsphere.certificates import (
    PresentedCertificate,
    VcenterAddress,
    confirm_certificate,
    presented_certificate,
)
from appliance.vsphere.errors import CertificateExpiredError, NotVcenterError
from appliance.vsphere.faults import translated
from appliance.vsphere.session import SESSION_COOKIE, SessionStub

log = logging.getLogger(__name__)

# vCenter ends a session after 30 idle minutes by default.
KEEP_ALIVE_SECONDS = 300

Object = TypeVar("Object", bound=ManagedObject)


class VcenterConnection:
    """One session with vCenter, shared by all threads of the engine.

    Made by `connect`; a context manager that logs out. Every call made through it logs in again once,
    unseen, when vCenter has ended the session.
    """

    def __init__(
        self, address: VcenterAddress, certificate: PresentedCertificate, stub: SessionStub, clock: Clock
    ) -> None:
        self.address = address
        self.clock = clock
        self._certificate = certificate
        self._stub = stub
        self._service = vim.ServiceInstance("ServiceInstance", stub)
        with translated(f"asking vCenter {address.label} what it is"):
            self.content = self._service.RetrieveContent()
        if self.content.about.apiType != "VirtualCenter" or not self.content.about.instanceUuid:
            raise NotVcenterError(address.label, self.content.about.fullName)
        with translated(f"logging in to vCenter {address.label} as {address.user}"):
            stub.renew(stub.session_number)
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep_alive, name="vcenter-keep-alive", daemon=True)
        self._keeper.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out and stop the keep-alive thread; a vCenter that is away is no error here."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._keeper.join()
        sessions = self.content.sessionManager
        with contextlib.suppress(VcenterError, vmodl.MethodFault):
            if sessions is not None:
                sessions.Logout()
        self._stub.DropConnections()  # type: ignore[no-untyped-call]  # pyVmomi has no types here

    @property
    def instance_uuid(self) -> str:
        """VCenter's own UUID: the first half of every machine's identity."""
        return str(self.content.about.instanceUuid)

    @property
    def api_version(self) -> str:
        """For example `8.0.3.0`."""
        return str(self.content.about.apiVersion)

    @property
    def product(self) -> str:
        """Name, version and build as vCenter states them."""
        return str(self.content.about.fullName)

    @property
    def thumbprint_sha1(self) -> str:
        """Of the certificate in use, with colons: what VDDK's connection parameters take."""
        return self._certificate.sha1

    @property
    def thumbprint_sha256(self) -> str:
        """Of the certificate in use, with colons."""
        return self._certificate.sha256

    @property
    def session_cookie(self) -> str:
        """The present value of `vmware_soap_session`: a secret."""
        return self._stub.cookie.removeprefix(f"{SESSION_COOKIE}=")

    @property
    def session_number(self) -> int:
        """Grows with every log-in; views and collectors made under an older number are gone."""
        return self._stub.session_number

    @property
    def tls_context(self) -> ssl.SSLContext:
        """The verifying context that takes nothing but the pinned certificate."""
        return self._stub.context

    def object_of(self, kind: type[Object], moref: str) -> Object:
        """The proxy of one managed object, by its id; nothing is asked."""
        return kind(moref, self._stub)

    def renew_session(self, number: int) -> None:
        """Log in again unless that has happened since session `number`; for calls beside the SOAP wire."""
        with translated(f"logging in to vCenter {self.address.label} as {self.address.user}"):
            self._stub.renew(number)

    def _keep_alive(self) -> None:
        while not self._closing.wait(KEEP_ALIVE_SECONDS):
            try:
                self._service.CurrentTime()
            except (VcenterError, vmodl.MethodFault) as error:
                log.warning("vCenter did not answer the keep-alive", extra={"reason": str(error)})


def connect(address: VcenterAddress, clock: Clock) -> VcenterConnection:
    """A logged-in connection to the vCenter at `address`.

    Raises:
        VcenterUnreachableError: nothing answers there, or not as a vCenter does.
        CertificateMismatchError: the presented certificate is not the pinned one; nothing was sent.
        CertificateExpiredError: it is the pinned one, but past its time.
        LoginRefusedError: user or password are wrong.
        NotVcenterError: an ESXi host answers.
    """
    certificate = presented_certificate(address.host, address.port)
    confirm_certificate(address, certificate)
    if certificate.not_after <= clock.now():
        raise CertificateExpiredError(address.label, certificate.not_after)
    stub = SessionStub(address, certificate)
    try:
        return VcenterConnection(address, certificate, stub, clock)
    except BaseException:
        stub.DropConnections()  # type: ignore[no-untyped-call]  # pyVmomi has no types here
        raise
