"""The household's secret as bytes of our own: its form, its damage named, and SEAL's word for it."""

import hashlib
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenseal import sealapi

from protocol import seal, seal_form
from protocol.errors import CipherError
from protocol.household import N, Q, T
from protocol.ids import new_incarnation
from protocol.keys import SECRET_BYTES, HouseholdSecret
from protocol.ntt import PSI, transform, transform_back
from protocol.ternary import TERNARY_BYTES, draw_ternary, pack_ternary, unpack_ternary

DATA = HouseholdSecret.generate().to_bytes()
EPOCH = (date(2026, 10, 1), new_incarnation())


@st.composite
def ternaries(draw):
    drawn = np.random.default_rng(draw(st.integers(0, 2**32)))
    secret = drawn.integers(-1, 2, N).astype(np.int8)
    secret[draw(st.integers(0, N)) :] = draw(st.sampled_from([-1, 0, 1]))
    return secret


# The form


def test_the_form_is_what_was_written_once():
    """Whoever changes it locks out every household that has a key: it needs a new version."""
    ternary = (np.arange(N) % 3 - 1).astype(np.int8)
    data = HouseholdSecret(bytes(range(32)), seal.SealSecret(ternary)).to_bytes()
    assert len(data) == SECRET_BYTES == 884
    assert data[:50] == b"volet household\2" + bytes(range(32)) + b"fA"
    assert (
        hashlib.sha256(data).hexdigest()
        == "ebf11a008d76c38e6962cff6c2bae1e9248530e4b08b9a65b130a9fd6dfdb808"
    )


def test_what_is_derived_is_what_was_derived_once():
    """Another id or MAC would cut every household off from what it has in the cloud."""
    ternary = (np.arange(N) % 3 - 1).astype(np.int8)
    secret = HouseholdSecret(bytes(range(32)), seal.SealSecret(ternary))
    assert secret.id.hex() == "5a925069eeeec6ee99f6019f7266c625"
    assert (
        secret.epoch_mac(24_321, bytes(8), bytes(64)).hex()
        == "4d5a3bf649730d8bbc4518c32e9863d309212c1ef673c254bf4e1c6fbe44fa2c"
    )
    assert secret.meter_fingerprint("041876000001", "BASE") == 100_347
    assert secret.blinding(20_454, (1, 2, 3)) == int(
        "1173831305262634284975547291387591065659049465178048302424148328173108627606"
    )
    assert secret.sealing.public_bytes.hex().startswith("3480947f53c1fa68")
    assert (
        secret.identity.public_key().public_bytes_raw().hex()
        == "2fe3914aa681924a4d77edc55a364151310394e87b2f14abce03312e7e74fcf0"
    )


@given(ternaries())
def test_a_secret_has_one_form_and_comes_back_from_it(secret):
    data = pack_ternary(secret)
    assert len(data) == TERNARY_BYTES == 820
    assert (unpack_ternary(data) == secret).all()


@given(st.integers(0, TERNARY_BYTES - 1), st.integers(0, 255))
def test_bytes_that_are_no_secret_are_refused(at, byte):
    data = bytearray(pack_ternary(np.zeros(N, np.int8)))
    data[at] = byte
    if byte < (3 if at == TERNARY_BYTES - 1 else 243):
        assert pack_ternary(unpack_ternary(bytes(data))) == data
    else:
        with pytest.raises(CipherError, match="-1, 0 and 1"):
            unpack_ternary(bytes(data))


def test_a_household_survives_its_bytes():
    household = HouseholdSecret.from_bytes(DATA)
    again = HouseholdSecret.from_bytes(household.to_bytes())
    assert (again.id, again.to_bytes()) == (household.id, DATA)
    epoch = household.seal.new_epoch(*EPOCH)
    encrypted = np.array([epoch.encrypt(EPOCH[0], 0, 77)], np.uint64)
    assert again.seal.open_own(epoch.seed, encrypted) == [77]


@given(st.integers(0, SECRET_BYTES - 1), st.integers(1, 255))
def test_a_damaged_byte_is_named_as_damage_and_never_taken_for_another_key(at, change):
    data = bytearray(DATA)
    data[at] ^= change
    with pytest.raises(CipherError, match=r"damaged|newer Volet|no household secret"):
        HouseholdSecret.from_bytes(bytes(data))


@given(st.integers(0, SECRET_BYTES - 1))
def test_a_secret_cut_short_is_refused(length):
    with pytest.raises(CipherError, match=r"damaged|no household secret"):
        HouseholdSecret.from_bytes(DATA[:length])


def test_a_newer_form_asks_for_a_newer_volet():
    with pytest.raises(CipherError, match="install a newer Volet"):
        HouseholdSecret.from_bytes(b"volet household\3" + DATA[16:])


# The draw


def test_the_three_coefficients_are_drawn_alike():
    """χ² of two degrees of freedom over 40 960 draws: beyond 30 once in 3 million runs."""
    counts = np.bincount(np.concatenate([draw_ternary() for _ in range(10)]) + 1)
    expected = 10 * N / 3
    assert ((counts - expected) ** 2 / expected).sum() < 30


def test_bytes_that_would_favour_a_coefficient_are_drawn_again(monkeypatch):
    given_bytes = iter([b"\xff" * N, b"\x00\xff\x01\x02" * (N // 4), b"\x01" * N])
    monkeypatch.setattr("secrets.token_bytes", lambda _: next(given_bytes))
    secret = draw_ternary()
    assert secret[: 3 * N // 4].tolist() == [-1, 0, 1] * (N // 4)
    assert not secret[3 * N // 4 :].any()


# SEAL's word for it


def test_the_transform_is_that_of_the_installed_seal():
    secret = draw_ternary()
    terms = [(k, int(c) % T) for k, c in enumerate(secret) if c]
    plain = sealapi.Plaintext(" + ".join(f"{c:X}x^{k}" if k else f"{c:X}" for k, c in terms[::-1]))
    sealapi.Evaluator(seal.CONTEXT).transform_to_ntt_inplace(plain, seal.CONTEXT.first_parms_id())
    ours = transform(secret)
    assert [plain[k] for k in range(N)] == ours.tolist()
    assert (transform_back(ours) == secret.astype(np.int64) % Q).all()


def test_the_root_is_the_smallest_of_its_order():
    assert pow(PSI, N, Q) == Q - 1
    assert min(pow(PSI, k, Q) for k in range(1, 2 * N, 2)) == PSI


def test_a_key_that_seal_drew_is_read_and_laid_out_as_seal_saves_it():
    key = sealapi.KeyGenerator(seal.CONTEXT).secret_key()
    transformed = seal_form.read_secret_key(seal.saved_bytes(key))
    coefficients = transform_back(transformed)
    assert set(coefficients.tolist()) == {0, 1, Q - 1}
    assert (transform(coefficients) == transformed).all()
    ours = seal._load(sealapi.SecretKey(), seal.FORM.secret_key(transformed))
    assert seal.saved_bytes(ours)[16:] == seal.saved_bytes(key)[16:]


@pytest.mark.parametrize(
    ("c0", "seed"),
    [
        (np.full(N, Q, np.uint64), bytes(64)),
        (np.zeros(N - 1, np.uint64), bytes(64)),
        (np.zeros(N, np.int64), bytes(64)),
        (np.zeros(N, np.uint64), bytes(63)),
        (np.zeros(N, np.uint64), bytes(65)),
    ],
)
def test_nothing_out_of_shape_or_range_is_laid_out_for_seal(c0, seed):
    with pytest.raises(CipherError):
        seal.FORM.seeded_ciphertext(c0, seed)
