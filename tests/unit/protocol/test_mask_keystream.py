"""A mask is the same bit for bit on every machine, and its key is what HKDF gives."""

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from protocol.area_cipher import mask, month_keys, to_bytes

KEYS = [hashlib.sha256(bytes([n])).digest() for n in range(8)]
# SHA-256 over the masks of KEYS, nonces 16 times n, day 20 000, measure "curve", 97 slots.
GOLDEN = "80643c75097f1d961b1e0e9ff5b6ab30d17a698d56edf703bf4199562c10d02c"


def test_masks_are_those_of_the_golden_vector():
    found = b"".join(
        to_bytes(mask(key, 20_000, "curve", bytes([n]) * 16, 97)) for n, key in enumerate(KEYS)
    )
    assert hashlib.sha256(found).hexdigest() == GOLDEN


@given(
    st.lists(st.binary(min_size=32, max_size=32), max_size=3),
    st.binary(max_size=16),
    st.integers(0, 2**32 - 1),
)
def test_a_months_keys_are_those_of_hkdf(seeds, household_key, month):
    info = b"volet area v1" + household_key + month.to_bytes(4, "big")
    expected = [HKDF(SHA256(), 32, salt=None, info=info).derive(seed) for seed in seeds]
    assert list(month_keys(b"".join(seeds), household_key, month)) == expected
