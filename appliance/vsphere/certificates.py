"""Which vCenter is meant, and the certificate it must present.

pyVmomi compares a thumbprint only after the ordinary verification has failed, so an unverified context
connects to anybody. Here the certificate is fetched first, compared by us, and then becomes the only
trust anchor of a verifying context: the one way that holds for SOAP, version discovery and file transfer.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.errors import VcenterError
from appliance.vsphere.errors import (
    CertificateExpiredError,
    CertificateMismatchError,
    ThumbprintFormatError,
    VcenterUnreachableError,
)

HTTPS_PORT = 443
HANDSHAKE_LIMIT_SECONDS = 20
_PAIRS_OF_SHA1 = 20
_PAIRS_OF_SHA256 = 32


@dataclass(frozen=True, slots=True)
class VcenterAddress:
    """A vCenter, the account Keepline uses there, and the thumbprint that was confirmed.

    `thumbprint` is SHA-256 (32 pairs) or SHA-1 (20 pairs); colons and case do not matter.
    """

    host: str
    user: str
    password: str = field(repr=False)
    thumbprint: str
    port: int = HTTPS_PORT

    @property
    def label(self) -> str:
        """How messages name it."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PresentedCertificate:
    """What a server presents, for a person to confirm; thumbprints are of the DER form, with colons."""

    sha1: str
    sha256: str
    pem: str
    subject: str
    not_after: datetime


def presented_certificate(host: str, port: int = HTTPS_PORT) -> PresentedCertificate:
    """The certificate the server at `host` presents right now; nothing is trusted, nothing else is sent.

    Raises:
        VcenterUnreachableError: nothing answers there, or not in TLS.
    """
    try:
        pem = ssl.get_server_certificate((host, port), timeout=HANDSHAKE_LIMIT_SECONDS)
        return read_certificate(pem)
    except (OSError, ValueError) as error:
        raise VcenterUnreachableError(f"{host}:{port}", str(error) or type(error).__name__) from error


def read_certificate(pem: str) -> PresentedCertificate:
    """What a certificate in PEM form says of itself.

    Raises:
        ValueError: it is not a certificate.
    """
    certificate = x509.load_pem_x509_certificate(pem.encode())
    der = certificate.public_bytes(Encoding.DER)
    return PresentedCertificate(
        # SHA-1 because VDDK's connection parameters and vCenter's own pages still use it.
        sha1=_with_colons(hashlib.sha1(der, usedforsecurity=False).digest()),
        sha256=_with_colons(hashlib.sha256(der).digest()),
        pem=pem,
        subject=certificate.subject.rfc4514_string(),
        not_after=certificate.not_valid_after_utc,
    )


def normal_thumbprint(thumbprint: str) -> str:
    """A thumbprint as pairs of capital hexadecimal digits with colons.

    Raises:
        ThumbprintFormatError: it is neither SHA-1 nor SHA-256.
    """
    digits = re.sub(r"[:\s]", "", thumbprint)
    if not re.fullmatch(r"[0-9A-Fa-f]*", digits) or len(digits) not in {
        2 * _PAIRS_OF_SHA1,
        2 * _PAIRS_OF_SHA256,
    }:
        raise ThumbprintFormatError(thumbprint)
    return _with_colons(bytes.fromhex(digits))


def confirm_certificate(address: VcenterAddress, certificate: PresentedCertificate) -> None:
    """Compare what is presented with what was confirmed, in the digest that was confirmed.

    Raises:
        ThumbprintFormatError: the confirmed thumbprint is not one.
        CertificateMismatchError: they differ.
    """
    pinned = normal_thumbprint(address.thumbprint)
    presented = certificate.sha1 if len(pinned) == len(certificate.sha1) else certificate.sha256
    if pinned != presented:
        raise CertificateMismatchError(address.label, pinned, presented)


def pinned_context(certificate: PresentedCertificate) -> ssl.SSLContext:
    """A context that takes this very certificate and no other, whatever name it is for."""
    context = ssl.create_default_context(cadata=certificate.pem)
    context.check_hostname = False  # the certificate itself is confirmed; its names may lack an address
    # A leaf of vCenter's own authority is an anchor only with partial chains; the strict flag that newer
    # Pythons set would refuse certificates for form that the admin has confirmed by their digest.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def connection_error(address: VcenterAddress, error: Exception) -> VcenterError:
    """What it means that no answer came over a pinned connection.

    Raises:
        CertificateMismatchError: another certificate than the confirmed one is presented by now.
        VcenterUnreachableError: by now nothing is presented at all.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        certificate = presented_certificate(address.host, address.port)
        confirm_certificate(address, certificate)
        return CertificateExpiredError(address.label, certificate.not_after)
    return VcenterUnreachableError(address.label, str(error) or type(error).__name__)


def _with_colons(digest: bytes) -> str:
    return digest.hex(":").upper()
