"""The billing lane against SEAL itself, against plain arithmetic, and against misuse."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenseal import sealapi

from protocol import household, layout, seal
from protocol.errors import BoundExceeded, CipherError, CoefficientUsed
from protocol.household import N, Q, T
from protocol.ids import new_incarnation

MONTH = date(2026, 10, 1)
MONTH_COEFFICIENTS = layout.MONTH_COEFFICIENTS


@pytest.fixture(scope="module")
def secret():
    return seal.SealSecret.generate()


@pytest.fixture(scope="module")
def other():
    return seal.SealSecret.generate()


def random_month(rng):
    maxima = np.tile([layout.value_max(j) for j in range(128)], 31)
    return rng.integers(0, maxima + 1)


def encrypt_month(epoch, values):
    days = [MONTH.replace(day=d) for d in range(1, 32)]
    return np.array(
        [
            epoch.encrypt(day, j, int(values[layout.coefficient(day, j)]))
            for day in days
            for j in range(128)
        ],
        dtype=np.uint64,
    )


def test_a_month_loads_into_seal_as_a_ciphertext_and_seal_decrypts_it(secret):
    values = random_month(np.random.default_rng(1))
    epoch = secret.new_epoch(MONTH, new_incarnation())
    c0 = np.zeros(N, np.uint64)
    c0[:MONTH_COEFFICIENTS] = encrypt_month(epoch, values)

    ciphertext = seal.load_ciphertext(seal.FORM.seeded_ciphertext(c0, epoch.seed))

    plain = sealapi.Plaintext()
    secret._decryptor.decrypt(ciphertext, plain)
    assert [plain[k] for k in range(MONTH_COEFFICIENTS)] == values.tolist()


def test_seal_multiplies_our_ciphertext_and_its_constant_term_is_our_weighted_sum(secret):
    rng = np.random.default_rng(2)
    values = rng.integers(0, 9001, MONTH_COEFFICIENTS)
    weights = rng.integers(-1023, 1024, MONTH_COEFFICIENTS)
    weights[np.arange(MONTH_COEFFICIENTS) % 128 >= 100] = 0
    epoch = secret.new_epoch(MONTH, new_incarnation())
    values[weights == 0] = 0
    coefficients = encrypt_month(epoch, values)
    c0 = np.zeros(N, np.uint64)
    c0[:MONTH_COEFFICIENTS] = coefficients

    ciphertext = seal.load_ciphertext(seal.FORM.seeded_ciphertext(c0, epoch.seed))
    product = sealapi.Ciphertext()
    sealapi.Evaluator(seal.CONTEXT).multiply_plain(
        ciphertext, seal.weights_plaintext(weights), product
    )

    decryptor = secret._decryptor
    plain = sealapi.Plaintext()
    decryptor.decrypt(product, plain)
    assert household.signed(plain[0]) == int(values @ weights)
    assert household.weighted_sum(coefficients, weights) == product[0]


@given(seed=st.integers(0, 2**32 - 1), density=st.floats(0, 1), incarnations=st.integers(1, 4))
def test_what_the_chip_opens_equals_the_plain_sum_over_any_incarnations_under_any_keys(
    secret, other, seed, density, incarnations
):
    rng = np.random.default_rng(seed)
    values = random_month(rng)
    weights = rng.integers(-1023, 1024, MONTH_COEFFICIENTS)
    weights[rng.random(MONTH_COEFFICIENTS) > density] = 0
    weights[np.arange(MONTH_COEFFICIENTS) % 128 >= 110] = 0
    owner = rng.integers(0, incarnations, MONTH_COEFFICIENTS)

    total, terms = 0, []
    for i in range(incarnations):
        keys = (secret, other)[rng.integers(2)]
        epoch = keys.new_epoch(MONTH, new_incarnation())
        own = np.where(owner == i, weights, 0)
        total += household.weighted_sum(encrypt_month(epoch, values), own)
        terms.append((keys, epoch.seed, own))

    assert seal.open_sum(total % Q, terms) == int(values @ weights)


@pytest.mark.parametrize("weight", [1023, -1023])
@pytest.mark.parametrize(
    ("first", "last", "value"), [(0, 100, 9000), (100, 110, 2**16 - 1), (110, 111, 2**20 - 1)]
)
def test_the_worst_case_of_each_part_of_the_day_opens_exactly(secret, weight, first, last, value):
    j = np.arange(MONTH_COEFFICIENTS) % 128
    part = (j >= first) & (j < last)
    values, weights = np.where(part, value, 0), np.where(part, weight, 0)
    epoch = secret.new_epoch(MONTH, new_incarnation())
    total = household.weighted_sum(encrypt_month(epoch, values), weights)
    assert seal.open_sum(total, [(secret, epoch.seed, weights)]) == int(values @ weights)


@pytest.mark.parametrize("k", [0, 1, 100, 3967])
@pytest.mark.parametrize("weight", [1, -1, 1023, -1023])
def test_a_single_weight_opens_exactly_although_seal_does_not_lift_a_negative_single_term(
    secret, k, weight
):
    values, weights = np.zeros(MONTH_COEFFICIENTS, np.int64), np.zeros(MONTH_COEFFICIENTS, np.int64)
    values[k], weights[k] = 4321 if k % 128 < 100 else 0, weight
    epoch = secret.new_epoch(MONTH, new_incarnation())
    total = household.weighted_sum(encrypt_month(epoch, values), weights)
    assert seal.open_sum(total, [(secret, epoch.seed, weights)]) == int(values @ weights)


@given(st.integers(0, T - 1))
def test_scaling_rounds_to_the_nearest_multiple_of_q_over_t(value):
    assert household.scale(value) == (2 * Q * value + T) // (2 * T)


@given(st.integers(-(2**20) + 1, 2**20 - 1))
def test_digits_put_together_give_the_weight_and_each_stays_below_2_to_10(weight):
    low, high = (int(digit[0]) for digit in household.split_digits(np.array([weight])))
    assert household.undigits((low, high)) == weight
    assert max(abs(low), abs(high)) < 2**10


def test_weights_that_need_a_third_digit_are_refused():
    with pytest.raises(BoundExceeded, match="2\\^20"):
        household.split_digits(np.array([2**20]))


def test_a_coefficient_of_an_incarnation_never_carries_a_second_value(secret):
    epoch = secret.new_epoch(MONTH, new_incarnation())
    epoch.encrypt(MONTH, 5, 100)
    with pytest.raises(CoefficientUsed):
        epoch.encrypt(MONTH, 5, 100)


@pytest.mark.parametrize(
    ("j", "value"), [(0, 9001), (99, -1), (100, 2**16), (110, 2**20), (127, -1)]
)
def test_values_outside_their_bound_are_refused_and_use_nothing(secret, j, value):
    epoch = secret.new_epoch(MONTH, new_incarnation())
    with pytest.raises(BoundExceeded):
        epoch.encrypt(MONTH, j, value)
    epoch.encrypt(MONTH, j, 0)


def test_a_value_of_another_month_is_refused(secret):
    with pytest.raises(ValueError, match="2026-10"):
        secret.new_epoch(MONTH, new_incarnation()).encrypt(date(2026, 11, 1), 0, 1)


def test_a_weight_of_2_to_10_or_a_sum_that_could_reach_2_to_36_is_refused():
    weights = np.zeros(MONTH_COEFFICIENTS, np.int64)
    weights[3] = 1024
    with pytest.raises(BoundExceeded, match="2\\^10"):
        household.check_weights(weights)
    weights[:] = 1023
    with pytest.raises(BoundExceeded, match="2\\^36"):
        household.check_weights(weights)


@pytest.mark.parametrize(
    ("month", "seed_bytes", "coefficients"),
    [
        (MONTH.replace(day=2), 64, N),
        (MONTH, 63, N),
        (MONTH, 64, N - 1),
    ],
)
def test_a_pad_of_another_shape_is_refused(month, seed_bytes, coefficients):
    z0 = np.zeros(coefficients, np.uint64)
    with pytest.raises(ValueError, match="an epoch is"):
        household.EpochPad(month, new_incarnation(), bytes(seed_bytes), z0)


def test_two_encryptions_of_zero_share_neither_seed_nor_pad(secret):
    first, second = (secret.new_epoch(MONTH, new_incarnation()) for _ in range(2))
    assert first.seed != second.seed
    assert first._pad != second._pad


def test_a_sum_over_nothing_opens_to_zero_and_anything_else_is_refused():
    assert seal.open_sum(0, []) == 0
    with pytest.raises(CipherError, match="nothing"):
        seal.open_sum(1, [])


def test_a_sum_beyond_q_is_refused():
    with pytest.raises(CipherError, match="between"):
        seal.open_sum(Q, [])


def test_another_household_opens_noise(secret):
    epoch = secret.new_epoch(MONTH, new_incarnation())
    weights = np.zeros(MONTH_COEFFICIENTS, np.int64)
    weights[0] = 1
    c = np.zeros(MONTH_COEFFICIENTS, np.uint64)
    c[0] = epoch.encrypt(MONTH, 0, 1234)
    total = household.weighted_sum(c, weights)
    assert seal.open_sum(total, [(secret, epoch.seed, weights)]) == 1234
    assert seal.open_sum(total, [(seal.SealSecret.generate(), epoch.seed, weights)]) != 1234


def test_ciphertexts_of_equal_values_look_like_any_others(secret):
    epoch = secret.new_epoch(MONTH, new_incarnation())
    coefficients = encrypt_month(epoch, np.zeros(MONTH_COEFFICIENTS, np.int64))
    top_bits = np.bincount((coefficients >> np.uint64(56)).astype(np.int64), minlength=16)
    expected = MONTH_COEFFICIENTS / 16
    assert (
        float(((top_bits - expected) ** 2 / expected).sum()) < 60
    )  # chi-square, 15 degrees, p < 1e-6
