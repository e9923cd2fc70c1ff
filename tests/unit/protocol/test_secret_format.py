"""The household's secret as bytes of our own: its form, its damage named, and SEAL's word for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenseal import sealapi

from protocol import seal
from protocol.errors import CipherError
from protocol.household import N, Q, T
from protocol.keys import SECRET_BYTES, HouseholdSecret
from protocol.ntt import PSI, transform
from protocol.ternary import TERNARY_BYTES, draw_ternary, pack_ternary, unpack_ternary

DATA = HouseholdSecret.generate().to_bytes()


@st.composite
def ternaries(draw):
    drawn = np.random.default_rng(draw(st.integers(0, 2**32)))
    secret = drawn.integers(-1, 2, N).astype(np.int8)
    secret[draw(st.integers(0, N)) :] = draw(st.sampled_from([-1, 0, 1]))
    return secret


# The form


def test_the_form_is_what_was_written_once():
    """Whoever changes it locks out every household that has a key: it needs a new version."""
    data = HouseholdSecret(bytes(range(32))).to_bytes()
    assert len(data) == SECRET_BYTES == 64
    assert data[:48] == b"volet household\3" + bytes(range(32))
    assert data[48:].hex() == "af3c4714f7a95cc91845b7a00acc7827"


def test_what_is_derived_is_what_was_derived_once():
    """Another id would cut every household off from what it has in the cloud."""
    secret = HouseholdSecret(bytes(range(32)))
    assert secret.id.hex() == "5a925069eeeec6ee99f6019f7266c625"
    assert (
        secret.wrapping_key.hex()
        == "2766c1f9ae0f93a03da617df0e532db1e057700af90be4428e691522a10f41fd"
    )
    assert secret.meter_fingerprint("041876000001", "BASE") == 991_324
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


@given(st.integers(0, SECRET_BYTES - 1), st.integers(1, 255))
def test_a_damaged_byte_is_named_as_damage_and_never_taken_for_another_key(at, change):
    data = bytearray(DATA)
    data[at] ^= change
    with pytest.raises(CipherError, match=r"damaged|Volet that wrote it"):
        HouseholdSecret.from_bytes(bytes(data))


@given(st.integers(0, SECRET_BYTES - 1))
def test_a_secret_cut_short_is_refused(length):
    with pytest.raises(CipherError, match="damaged"):
        HouseholdSecret.from_bytes(DATA[:length])


@pytest.mark.parametrize("version", [2, 4])
def test_another_form_asks_for_the_volet_that_wrote_it(version):
    with pytest.raises(CipherError, match=rf"format {version}, .* the Volet that wrote it"):
        HouseholdSecret.from_bytes(b"volet household" + bytes([version]) + DATA[16:])


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


def test_the_root_is_the_smallest_of_its_order():
    assert pow(PSI, N, Q) == Q - 1
    assert min(pow(PSI, k, Q) for k in range(1, 2 * N, 2)) == PSI


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
