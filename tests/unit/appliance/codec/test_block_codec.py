from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.codec import BlockEncoder, DamagedBlockError, EncodedBlock, block_digest, decode_block
from appliance.model.blocks import BlockFlags

contents = st.one_of(
    st.binary(min_size=1, max_size=5000),
    st.builds(lambda pattern, count: pattern * count, st.binary(min_size=1, max_size=8), st.integers(1, 999)),
)
LEVELS = st.sampled_from([1, 3])


def encode(content: bytes, level: int = 1) -> EncodedBlock:
    return BlockEncoder(level).encode(memoryview(content), block_digest(content))


def decode(encoded: EncodedBlock, stored: bytes | None = None, length: int | None = None) -> bytes:
    destination = bytearray(encoded.raw_length if length is None else length)
    content = bytes(encoded.content) if stored is None else stored
    decode_block(content, encoded.flags, encoded.digest, memoryview(destination), "block 7 of web-01")
    return bytes(destination)


@given(contents, LEVELS)
def test_a_block_decodes_to_what_was_encoded(content: bytes, level: int) -> None:
    encoded = encode(content, level)

    assert decode(encoded) == content
    assert len(encoded.content) <= len(content)
    assert encoded.digest == block_digest(content)


@given(st.lists(contents, max_size=5))
def test_one_encoder_serves_block_after_block(blocks: list[bytes]) -> None:
    encoder = BlockEncoder()
    encoded = [encoder.encode(memoryview(content), block_digest(content)) for content in blocks]

    assert [decode(one) for one in encoded] == blocks


def test_what_does_not_get_smaller_is_stored_as_it_is() -> None:
    noise = b"".join(block_digest(bytes([number])) for number in range(128))

    assert encode(noise).flags == BlockFlags.NONE
    assert bytes(encode(noise).content) == noise
    assert encode(noise).entropy == 255
    assert encode(b"a" * 4096).flags == BlockFlags.COMPRESSED
    assert encode(b"a" * 4096).entropy < 4


@given(contents, st.data())
def test_a_flipped_bit_is_never_handed_on(content: bytes, data: st.DataObject) -> None:
    encoded = encode(content)
    damaged = bytearray(encoded.content)
    bit = data.draw(st.integers(0, len(damaged) * 8 - 1))
    damaged[bit // 8] ^= 1 << bit % 8

    try:
        assert decode(encoded, bytes(damaged)) == content  # a bit of the frame's header may mean nothing
    except DamagedBlockError as error:
        assert "block 7 of web-01" in str(error)  # noqa: PT017  # both outcomes are right


@given(contents, st.data())
def test_a_block_cut_short_is_damage(content: bytes, data: st.DataObject) -> None:
    encoded = encode(content)
    stored = bytes(encoded.content)
    end = data.draw(st.integers(0, len(stored) - 1))

    with pytest.raises(DamagedBlockError, match="block 7 of web-01"):
        decode(encoded, stored[:end])


@given(contents, st.integers(1, 10_000))
def test_a_block_of_another_length_is_damage(content: bytes, length: int) -> None:
    encoded = encode(content)
    if length == len(content):
        return

    with pytest.raises(DamagedBlockError, match="block 7 of web-01"):
        decode(encoded, length=length)


def test_the_digest_of_other_bytes_is_named_with_both_values() -> None:
    encoded, other = encode(b"a" * 100), encode(b"b" * 100)
    mixed = EncodedBlock(encoded.digest, other.content, 100, other.flags)

    with pytest.raises(DamagedBlockError) as caught:
        decode(mixed)
    assert encoded.digest.hex() in str(caught.value)
    assert other.digest.hex() in str(caught.value)


def test_a_frame_that_unpacks_to_more_than_a_block_is_not_unpacked() -> None:
    bomb = encode(bytes(64 << 20))

    with pytest.raises(DamagedBlockError, match=f"decodes to {64 << 20} bytes instead of 4096"):
        decode(bomb, length=4096)
