"""A sealed stream: whole or refused, whatever is done to its chunks."""

import io
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.chunks import CHUNK_BYTES, TAG_BYTES, open_chunks, seal_chunks, sealed_size
from protocol.errors import CipherError

KEY = bytes(range(32))


def opened(sealed, key=KEY):
    return b"".join(open_chunks(key, io.BytesIO(sealed).read))


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]
)
def test_what_was_sealed_opens_and_has_the_size_told(size):
    data = bytes(size)
    sealed = b"".join(seal_chunks(KEY, [data[:7], data[7:]]))
    assert len(sealed) == sealed_size(size)
    assert opened(sealed) == data


@given(st.lists(st.binary(max_size=50)))
def test_how_the_parts_were_cut_says_nothing(parts):
    assert b"".join(seal_chunks(KEY, parts)) == b"".join(seal_chunks(KEY, [b"".join(parts)]))


CHUNKS = list(seal_chunks(KEY, [bytes([n]) * CHUNK_BYTES for n in range(3)]))


@pytest.mark.parametrize("order", [p for n in range(4) for p in permutations(range(3), n)])
def test_chunks_left_out_or_in_another_order_are_refused(order):
    sealed = b"".join(CHUNKS[place] for place in order)
    if order == (0, 1, 2):
        assert len(opened(sealed)) == 3 * CHUNK_BYTES
    else:
        with pytest.raises(CipherError):
            opened(sealed)


def test_a_chunk_twice_or_bytes_after_the_last_are_refused():
    for sealed in ([CHUNKS[0], *CHUNKS], [*CHUNKS, CHUNKS[2]], [*CHUNKS, b"x"]):
        with pytest.raises(CipherError):
            opened(b"".join(sealed))


@given(place=st.integers(0, 99 + TAG_BYTES), change=st.integers(1, 255))
def test_any_byte_changed_is_refused(place, change):
    sealed = bytearray(b"".join(seal_chunks(KEY, [bytes(100)])))
    sealed[place] ^= change
    with pytest.raises(CipherError):
        opened(bytes(sealed))


def test_another_key_opens_nothing():
    with pytest.raises(CipherError):
        opened(CHUNKS[2], bytes(32))
