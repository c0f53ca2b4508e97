"""A logged-in connection to one vCenter: certificate pinned, kept alive, logged in again when it must be."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from appliance.clock import Clock
from appliance.vsphere.certificates import VcenterAddress


class VcenterConnection:
    """One session with vCenter, shared by all threads of the engine.

    Made by `connect`; a context manager that logs out. Every call made through it logs in again once,
    unseen, when vCenter has ended the session.
    """

    clock: Clock
    address: VcenterAddress

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out and stop the keep-alive thread; a vCenter that is away is no error here."""
        raise NotImplementedError

    @property
    def instance_uuid(self) -> str:
        """VCenter's own UUID: the first half of every machine's identity."""
        raise NotImplementedError

    @property
    def api_version(self) -> str:
        """For example `8.0.3.0`."""
        raise NotImplementedError

    @property
    def product(self) -> str:
        """Name, version and build as vCenter states them."""
        raise NotImplementedError

    @property
    def thumbprint_sha1(self) -> str:
        """Of the certificate in use, with colons: what VDDK's connection parameters take."""
        raise NotImplementedError

    @property
    def session_cookie(self) -> str:
        """The present value of `vmware_soap_session`: a secret."""
        raise NotImplementedError


def connect(address: VcenterAddress, clock: Clock) -> VcenterConnection:
    """A logged-in connection to the vCenter at `address`.

    Raises:
        VcenterUnreachableError: nothing answers there, or not as a vCenter does.
        CertificateMismatchError: the presented certificate is not the pinned one; nothing was sent.
        LoginRefusedError: user or password are wrong.
        NotVcenterError: an ESXi host answers.
    """
    raise NotImplementedError
