from __future__ import annotations

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.codec import address_of, is_zero_at

LENGTHS = [1, 511, 4096, 256 * 1024, 256 * 1024 + 1, 4 << 20, (4 << 20) + 1, 9 << 20]


@pytest.mark.parametrize("length", LENGTHS)
def test_zeros_are_zero(length: int) -> None:
    assert is_zero_at(address_of(bytearray(length)), length)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("position", ["first", "middle", "last"])
def test_one_bit_anywhere_is_not_zero(length: int, position: str) -> None:
    memory = bytearray(length)
    memory[{"first": 0, "middle": length // 2, "last": length - 1}[position]] = 0x80

    assert not is_zero_at(address_of(memory), length)


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(0, 300))
def test_only_the_bytes_asked_for_count(content: bytes, start: int, length: int) -> None:
    start = min(start, len(content))
    length = min(length, len(content) - start)
    memory = bytearray(content) + b"\xff"

    assert is_zero_at(address_of(memory) + start, length) == (not any(content[start : start + length]))


def test_mapped_memory_has_an_address_too() -> None:
    with mmap.mmap(-1, 8192) as mapped:
        address = address_of(mapped)
        assert is_zero_at(address, 8192)
        mapped[8191] = 1
        assert not is_zero_at(address, 8192)
        assert is_zero_at(address, 8191)
