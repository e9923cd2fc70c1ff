"""Commitments of days: they bind, hide, add up, and only points of the group are any."""

import hashlib
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vault.commitments import committed_values, day_commitment
from protocol.calendar import day_number
from protocol.commitment import (
    COMMITTED_VALUES,
    ORDER,
    add,
    add_all,
    combine,
    commit_day,
    day_generators,
    generator,
    is_commitment,
    read_scalar,
    scalar_bytes,
    subtract,
)
from protocol.errors import CipherError
from protocol.keys import HouseholdSecret
from protocol.year_keys import YearKeys
from tests.support.household import closed_day

VALUES = st.lists(st.integers(0, (1 << 20) - 1), min_size=12, max_size=12)
SCALARS = st.integers(0, ORDER - 1)
# Encodings of points of order 1, 2, 4 and 8, of one that is not on the curve, and of y = p + 1.
NO_COMMITMENTS = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "0200000000000000000000000000000000000000000000000000000000000000",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
DAY = date(2026, 10, 1)
HOUSEHOLD, KEYS = HouseholdSecret.generate(), YearKeys.generate(DAY.year)


@given(VALUES, SCALARS, VALUES, SCALARS)
@settings(max_examples=25, deadline=None)
def test_commitments_add_up_to_the_commitment_of_the_sums(values, blinding, others, other):
    total = [a + b for a, b in zip(values, others, strict=True)]
    both = add(commit_day(values, blinding), commit_day(others, other))
    assert both == commit_day(total, blinding + other)
    assert subtract(both, commit_day(others, other)) == commit_day(values, blinding)


@given(VALUES, SCALARS, st.integers(0, 11), st.integers(1, 1 << 20))
@settings(max_examples=25, deadline=None)
def test_any_other_value_gives_another_commitment(values, blinding, place, more):
    other = [value + more * (n == place) for n, value in enumerate(values)]
    assert commit_day(values, blinding) != commit_day(other, blinding)


def test_a_commitment_is_the_sum_that_the_page_says():
    """Held against libsodium's own sums of multiples, one by one."""
    values, blinding = list(range(1, 13)), 12345
    by_hand = combine([], blinding)
    for value, point in zip(values, day_generators(), strict=True):
        by_hand = add_all([by_hand, *[point] * value])
    assert commit_day(values, blinding) == by_hand
    assert (
        commit_day(values, blinding).hex()
        == "7593f4f9e75f477082644a2dbacdfd3a9e593975295135d139f490967c4ebe93"
    )


def test_generators_are_distinct_points_of_the_group_made_from_their_labels():
    points = day_generators()
    assert len(set(points)) == COMMITTED_VALUES == 12
    assert all(is_commitment(point) for point in points)
    assert all(combine([(ORDER - 1, point)]) == subtract(combine([]), point) for point in points)
    assert generator("coefficient 100") == points[0]
    assert hashlib.sha256(b"".join(points)).hexdigest() == (
        "2aeac10d6f7487cd781313d3a40092c87ea38452ff790d3928011ad99bc83431"
    )


@pytest.mark.parametrize("point", NO_COMMITMENTS)
def test_no_small_order_point_and_no_other_encoding_is_a_commitment(point):
    data = bytes.fromhex(point)
    assert not is_commitment(data)
    if point != NO_COMMITMENTS[0]:
        with pytest.raises(CipherError):
            combine([(5, data)])


@given(st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_bytes_break_the_check(data):
    assert is_commitment(data) in {True, False}


def test_a_commitment_moved_by_a_point_of_small_order_is_none():
    moved = add(commit_day([3] * 12, 9), bytes.fromhex(NO_COMMITMENTS[3]))
    assert not is_commitment(moved)


@given(st.integers(0, (1 << 256) - 1))
def test_a_scalar_has_one_form(number):
    data = number.to_bytes(32, "little")
    if number < ORDER:
        assert scalar_bytes(read_scalar(data)) == data
    else:
        with pytest.raises(CipherError):
            read_scalar(data)
    with pytest.raises(CipherError):
        read_scalar(data[:-1])


def test_the_chip_makes_the_same_commitment_again_from_its_stored_keys_alone():
    closed = closed_day(DAY, (5, 7), injected_wh=900, injected_step_kwh=1)
    again = YearKeys.from_bytes(KEYS.to_bytes(HOUSEHOLD), HOUSEHOLD)
    assert day_commitment(KEYS, closed) == day_commitment(again, closed)
    assert committed_values(closed) == (5, 7, *[0] * 8, 900, 1)
    assert day_commitment(KEYS, closed) != day_commitment(YearKeys.generate(DAY.year), closed)


def test_no_two_days_and_no_two_vectors_share_a_blinding():
    number = day_number(DAY)
    vectors = [[0] * 12, [1] + [0] * 11, [0] * 11 + [1], [1, 0, 1] + [0] * 9]
    drawn = [KEYS.blinding(number + n, values) for n in range(9) for values in vectors]
    assert len(set(drawn)) == len(drawn)
    assert all(0 <= blinding < ORDER for blinding in drawn)
