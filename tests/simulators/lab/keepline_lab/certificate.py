"""The thumbprints by which clients pin a server's certificate."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path


def thumbprints(certificate: Path) -> tuple[str, str]:
    """Return SHA-1 (what VDDK wants) and SHA-256 of a PEM certificate, as AB:CD:…."""
    encoded = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    sha1 = hashlib.sha1(encoded, usedforsecurity=False)
    return _pairs(sha1.digest()), _pairs(hashlib.sha256(encoded).digest())


def _pairs(digest: bytes) -> str:
    return digest.hex(":").upper()
