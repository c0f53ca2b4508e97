"""What may be passed to the library, and what never shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.vddk_bindings.stub_library import THUMBPRINT
from vddk_bindings import ConnectParameters, InvalidArgumentError, PasswordCredentials, SessionCredentials

CREDENTIALS = PasswordCredentials("user", "canary-password")


def test_repr_shows_no_secret() -> None:
    session = SessionCredentials("canary-cookie", "user", "canary-password")

    shown = repr([ConnectParameters("host", CREDENTIALS), ConnectParameters("host", session)])

    assert "host" in shown
    assert "user" in shown
    assert "canary" not in shown


@given(st.text(), st.text(), st.text())
def test_texts_the_library_would_crash_on_or_cut_are_refused(before: str, after: str, good: str) -> None:
    for text in ("", f"{before}\0{after}"):
        with pytest.raises(InvalidArgumentError):
            PasswordCredentials(text, "password")
        with pytest.raises(InvalidArgumentError):
            PasswordCredentials("user", text)
        with pytest.raises(InvalidArgumentError):
            SessionCredentials(text, "user", "password")
        with pytest.raises(InvalidArgumentError):
            ConnectParameters(text, CREDENTIALS)
        with pytest.raises(InvalidArgumentError):
            ConnectParameters("host", CREDENTIALS, machine=text)


def test_refused_secret_is_not_in_the_error() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        PasswordCredentials("user", "canary\0")

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("thumbprint", [THUMBPRINT, THUMBPRINT.lower(), ":".join(["0f"] * 32)])
def test_thumbprints_of_sha1_and_sha256_pass_unchanged(thumbprint: str) -> None:
    assert ConnectParameters("host", CREDENTIALS, thumbprint=thumbprint).thumbprint == thumbprint


@pytest.mark.parametrize(
    "thumbprint", ["", "AB", THUMBPRINT.replace(":", ""), THUMBPRINT + ":AB", THUMBPRINT[:-1] + "G"]
)
def test_malformed_thumbprint_is_refused(thumbprint: str) -> None:
    with pytest.raises(InvalidArgumentError, match="thumbprint"):
        ConnectParameters("host", CREDENTIALS, thumbprint=thumbprint)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(InvalidArgumentError, match="port"):
        ConnectParameters("host", CREDENTIALS, port=port)
    with pytest.raises(InvalidArgumentError, match="port"):
        ConnectParameters("host", CREDENTIALS, nfc_port=port)
