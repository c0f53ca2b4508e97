"""Which vCenter is meant, and the certificate it must present."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VcenterAddress:
    """A vCenter, the account Keepline uses there, and the thumbprint that was confirmed.

    `thumbprint` is SHA-256 (32 pairs) or SHA-1 (20 pairs), colons and case do not matter.
    """

    host: str
    user: str
    password: str = field(repr=False)
    thumbprint: str
    port: int = 443

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"  # noqa: PLR2004 - HTTPS


@dataclass(frozen=True, slots=True)
class PresentedCertificate:
    """What a server presents, for a person to confirm; thumbprints are of the DER form, with colons."""

    sha1: str
    sha256: str
    pem: str
    subject: str
    not_after: datetime


def presented_certificate(host: str, port: int = 443) -> PresentedCertificate:
    """The certificate the server at `host` presents right now; nothing is trusted, nothing else is sent.

    Raises:
        VcenterUnreachableError: nothing answers there, or no TLS.
    """
    raise NotImplementedError
