"""A mask is the same bit for bit on every machine, and its keys are those of HKDF and HMAC."""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from protocol.area_cipher import MaskContext, draw_key, mask, month_keys, to_bytes

KEYS = [hashlib.sha256(bytes([n])).digest() for n in range(8)]
CONTEXT = MaskContext(b"d" * 32, "curve", "75101", 97, 20_000)
# SHA-256 over the masks of KEYS under CONTEXT, nonces 16 times n.
GOLDEN = "b17fd0c2c86dda6e2e9e21ce0fb2a4c397442ccfa7ac76181e46fc29283ca21c"


def test_masks_are_those_of_the_golden_vector():
    found = b"".join(to_bytes(mask(key, CONTEXT, bytes([n]) * 16)) for n, key in enumerate(KEYS))
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


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.binary(max_size=16))
def test_a_draws_key_is_that_of_hmac(key, context, nonce):
    assert draw_key(key, context, nonce) == hmac.digest(key, context + nonce, "sha256")
