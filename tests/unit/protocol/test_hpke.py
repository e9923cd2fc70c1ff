"""Sealing to a public key, and letters of seeds on top of it."""

import pytest

from protocol.area_cipher import SHAPES
from protocol.errors import CipherError
from protocol.hpke import PRIVATE_KEY_BYTES, PUBLIC_KEY_BYTES, SealingKey, seal
from protocol.seeds import LetterContext, commitment, draw_seeds, open_letter, seal_letter

KEY, OTHER = SealingKey.generate(), SealingKey.generate()
CONTEXT = LetterContext("testville", bytes(16), 3, 20_454, bytes(32), 1)


def test_sealed_opens_with_the_key_and_the_info_and_adds_what_is_said():
    sealed = seal(b"text", KEY.public_bytes, b"info")
    assert KEY.open(sealed, b"info") == b"text"
    assert len(sealed) == 4 + 1136
    assert sealed != seal(b"text", KEY.public_bytes, b"info")


def test_nothing_opens_under_another_key_or_info_or_after_a_change():
    sealed = seal(b"text", KEY.public_bytes, b"info")
    with pytest.raises(CipherError):
        OTHER.open(sealed, b"info")
    with pytest.raises(CipherError):
        KEY.open(sealed, b"other")
    for place in (0, 600, 1_100, 1_130, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CipherError):
            KEY.open(bytes(changed), b"info")
    for cut in (b"", sealed[:-1], sealed[:100]):
        with pytest.raises(CipherError):
            KEY.open(cut, b"info")


def test_keys_have_their_sizes_and_survive_their_bytes():
    data = KEY.to_bytes()
    assert (len(data), len(KEY.public_bytes)) == (PRIVATE_KEY_BYTES, PUBLIC_KEY_BYTES)
    again = SealingKey.from_bytes(data)
    assert again.public_bytes == KEY.public_bytes
    assert again.open(seal(b"x", KEY.public_bytes, b""), b"") == b"x"
    with pytest.raises(CipherError):
        SealingKey.from_bytes(data[:-1])
    with pytest.raises(CipherError):
        seal(b"x", KEY.public_bytes[:-1], b"")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_letter_holds_the_seeds_of_its_trustee_and_no_others(shape):
    seeds = draw_seeds(shape)
    assert len(set(seeds)) == len(shape.seed_sets)
    letter = seal_letter(seeds, shape, CONTEXT, KEY.public_bytes)
    opened = open_letter(letter, shape, CONTEXT, KEY)
    assert opened == {number: seeds[number] for number in shape.sets_of(1)}


def test_a_letter_opens_in_its_own_context_only():
    shape = SHAPES[0]
    letter = seal_letter(draw_seeds(shape), shape, CONTEXT, KEY.public_bytes)
    for changes in (
        ("elsewhere", bytes(16), 3, 20_454, bytes(32), 1),
        ("testville", b"1" * 16, 3, 20_454, bytes(32), 1),
        ("testville", bytes(16), 4, 20_454, bytes(32), 1),
        ("testville", bytes(16), 3, 20_485, bytes(32), 1),
        ("testville", bytes(16), 3, 20_454, b"1" * 32, 1),
        ("testville", bytes(16), 3, 20_454, bytes(32), 2),
    ):
        with pytest.raises(CipherError):
            open_letter(letter, shape, LetterContext(*changes), KEY)
    with pytest.raises(CipherError, match="one seed for each set"):
        open_letter(letter, SHAPES[1], CONTEXT, KEY)


def test_commitments_tell_seeds_and_places_apart():
    seeds = draw_seeds(SHAPES[0])
    found = {commitment(seed, number) for seed in seeds for number in range(6)}
    assert len(found) == 36
