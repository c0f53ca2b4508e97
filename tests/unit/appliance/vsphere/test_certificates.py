from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from appliance.vsphere.certificates import (
    PresentedCertificate,
    VcenterAddress,
    confirm_certificate,
    normal_thumbprint,
    pinned_context,
    read_certificate,
)
from appliance.vsphere.errors import CertificateMismatchError, ThumbprintFormatError

ENDS = datetime(2030, 1, 1, tzinfo=UTC)


def make_certificate(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(ENDS - timedelta(days=3650)).not_valid_after(ENDS)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.fixture(scope="module")
def presented() -> PresentedCertificate:
    return read_certificate(make_certificate("vcenter.example"))


def address(thumbprint: str) -> VcenterAddress:
    return VcenterAddress("vcenter.example", "user", "secret", thumbprint)


def test_a_certificate_is_described_by_the_digests_of_its_der_form(presented: PresentedCertificate) -> None:
    der = ssl.PEM_cert_to_DER_cert(presented.pem)
    assert presented.sha256.replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    assert presented.sha1.replace(":", "").lower() == hashlib.sha1(der, usedforsecurity=False).hexdigest()
    assert presented.subject == "CN=vcenter.example"
    assert presented.not_after == ENDS


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize("form", [str, str.lower, lambda text: text.replace(":", "")])
def test_the_pinned_certificate_is_confirmed_in_either_digest_and_any_form(
    presented: PresentedCertificate, digest: str, form: type[str]
) -> None:
    confirm_certificate(address(form(getattr(presented, digest))), presented)


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_another_certificate_is_refused_with_both_thumbprints(
    presented: PresentedCertificate, digest: str
) -> None:
    other = read_certificate(make_certificate("vcenter.example"))
    with pytest.raises(CertificateMismatchError) as caught:
        confirm_certificate(address(getattr(other, digest)), presented)
    assert getattr(other, digest) in str(caught.value)
    assert getattr(presented, digest) in str(caught.value)


@pytest.mark.parametrize("thumbprint", ["", "AA", "AA:" * 19 + "GG", "AB" * 19, "AB" * 31, "AB" * 33])
def test_what_is_no_thumbprint_never_confirms_anything(
    presented: PresentedCertificate, thumbprint: str
) -> None:
    with pytest.raises(ThumbprintFormatError):
        confirm_certificate(address(thumbprint), presented)


@given(st.binary(min_size=20, max_size=20) | st.binary(min_size=32, max_size=32))
def test_a_thumbprint_has_one_normal_form(digest: bytes) -> None:
    normal = normal_thumbprint(digest.hex())
    assert normal_thumbprint(normal) == normal_thumbprint(f" {normal.lower()} ") == normal
    assert bytes.fromhex(normal.replace(":", "")) == digest


def test_the_context_verifies_and_trusts_nothing_but_the_certificate(
    presented: PresentedCertificate,
) -> None:
    context = pinned_context(presented)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509"] == 1
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN


def test_an_address_does_not_show_its_password() -> None:
    shown = VcenterAddress("vcenter.example", "user", "hunter2", "AA")
    assert "hunter2" not in repr(shown)
    assert "hunter2" not in str(shown)


def test_an_address_is_named_with_its_port_only_when_that_is_unusual() -> None:
    assert address("AA").label == "vcenter.example"
    assert VcenterAddress("vcenter.example", "user", "x", "AA", port=8443).label == "vcenter.example:8443"
