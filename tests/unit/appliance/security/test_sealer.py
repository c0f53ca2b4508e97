from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.security import SecretSealer, SecretUnreadableError

KEY = bytes(range(32))


@given(purpose=st.text(), secret=st.text())
def test_a_sealed_secret_opens_again_and_shows_nothing_of_itself(purpose: str, secret: str) -> None:
    sealer = SecretSealer(KEY)
    sealed = sealer.seal(purpose, secret)

    assert sealer.unseal(purpose, sealed) == secret
    assert len(secret.encode()) < 4 or secret.encode() not in sealed
    assert sealer.seal(purpose, secret) != sealed


def test_another_key_does_not_open_it() -> None:
    sealed = SecretSealer(KEY).seal("vCenter main", "secret")
    with pytest.raises(SecretUnreadableError, match="vCenter main"):
        SecretSealer(bytes(32)).unseal("vCenter main", sealed)


def test_a_sealed_secret_cannot_be_moved_to_another_purpose() -> None:
    sealer = SecretSealer(KEY)
    with pytest.raises(SecretUnreadableError):
        sealer.unseal("vCenter other", sealer.seal("vCenter main", "secret"))


@given(position=st.integers(0, 34), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(position: int, bit: int) -> None:
    sealer = SecretSealer(KEY)
    changed = bytearray(sealer.seal("vCenter main", "secret"))
    changed[position] ^= 1 << bit
    with pytest.raises(SecretUnreadableError):
        sealer.unseal("vCenter main", bytes(changed))


@pytest.mark.parametrize("length", [0, 1, 5, 13, 28])
def test_a_cut_secret_is_noticed(length: int) -> None:
    sealer = SecretSealer(KEY)
    with pytest.raises(SecretUnreadableError):
        sealer.unseal("vCenter main", sealer.seal("vCenter main", "secret")[:length])
