"""A mask is the same bit for bit, however its cipher context was come by."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from protocol.area_cipher import keystream, mask, to_bytes

KEYS = [hashlib.sha256(bytes([n])).digest() for n in range(8)]
# SHA-256 over the masks of KEYS, nonces 16 times n, day 20 000, measure "curve", 97 slots.
GOLDEN = "80643c75097f1d961b1e0e9ff5b6ab30d17a698d56edf703bf4199562c10d02c"


def fresh(key, iv, size):
    return Cipher(ChaCha20(key, iv), mode=None).encryptor().update(bytes(size))


def test_masks_are_those_of_the_golden_vector():
    found = b"".join(
        to_bytes(mask(key, 20_000, "curve", bytes([n]) * 16, 97)) for n, key in enumerate(KEYS)
    )
    assert hashlib.sha256(found).hexdigest() == GOLDEN


def test_a_kept_context_gives_the_stream_of_a_fresh_one_from_any_block():
    for turn in range(3):
        for key in KEYS:
            for size in (776, 64, 13):
                iv = turn.to_bytes(4, "little") + hashlib.sha256(key + bytes(size)).digest()[:12]
                assert keystream(key, iv, size) == fresh(key, iv, size)


def test_threads_do_not_disturb_each_others_streams():
    def many(thread):
        ivs = [hashlib.sha256(bytes([thread, n % 256])).digest()[:16] for n in range(400)]
        return all(keystream(KEYS[0], iv, 776) == fresh(KEYS[0], iv, 776) for iv in ivs)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(many, range(8)))
