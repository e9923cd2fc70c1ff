"""The keys of a year: drawn from nothing, encrypted where they are stored, gone on time."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.calendar import day_number, days_between
from protocol.errors import CipherError
from protocol.household import N
from protocol.ids import new_incarnation
from protocol.keys import HouseholdSecret
from protocol.messages import Epoch
from protocol.seal import SealSecret
from protocol.ternary import pack_ternary
from protocol.year_keys import STORED_BYTES, YearKeys, last_year_without_keys

HOUSEHOLD = HouseholdSecret.generate()
KEYS = YearKeys.generate(2026)
STORED = KEYS.to_bytes(HOUSEHOLD)
MONTH = date(2026, 10, 1)


def header_of(keys: YearKeys, household=HOUSEHOLD) -> Epoch:
    number, incarnation = day_number(MONTH), new_incarnation()
    mac = keys.epoch_mac(household.id, number, incarnation, bytes(64))
    return Epoch(household.id, number, incarnation, bytes(64), mac)


# The form


def test_stored_keys_come_back_with_everything_that_they_open():
    again = YearKeys.from_bytes(STORED, HOUSEHOLD)
    assert len(STORED) == STORED_BYTES == 898
    assert STORED[:18] == b"volet year keys\1" + (2026).to_bytes(2, "big")
    assert (again.year, again.id) == (2026, KEYS.id)
    assert again.made(header_of(KEYS))
    assert again.blinding(20_000, (1, 2)) == KEYS.blinding(20_000, (1, 2))
    pad = KEYS.seal.new_epoch(MONTH, new_incarnation())
    encrypted = np.array([pad.encrypt(MONTH, 0, 77)], np.uint64)
    assert again.seal.open_own(pad.seed, encrypted) == [77]


def test_nothing_of_the_keys_stands_in_their_file_in_clear():
    ternary = pack_ternary(KEYS.seal.ternary)
    for secret in (KEYS._root, *(ternary[at : at + 16] for at in range(0, 800, 16))):
        assert secret not in STORED


@given(st.integers(0, STORED_BYTES - 1), st.integers(1, 255))
def test_a_damaged_byte_is_named_and_never_taken_for_other_keys(at, change):
    data = bytearray(STORED)
    data[at] ^= change
    with pytest.raises(CipherError, match=r"damaged|Volet that wrote it"):
        YearKeys.from_bytes(bytes(data), HOUSEHOLD)


@given(st.integers(0, STORED_BYTES - 1))
def test_keys_cut_short_are_refused(length):
    with pytest.raises(CipherError, match="damaged"):
        YearKeys.from_bytes(STORED[:length], HOUSEHOLD)


def test_another_household_reads_nothing():
    with pytest.raises(CipherError, match="another household's"):
        YearKeys.from_bytes(STORED, HouseholdSecret.generate())


def test_another_form_asks_for_the_volet_that_wrote_it():
    with pytest.raises(CipherError, match=r"format 2, .* the Volet that wrote it"):
        YearKeys.from_bytes(b"volet year keys\2" + STORED[16:], HOUSEHOLD)


def test_what_is_derived_is_what_was_derived_once():
    """Another MAC or blinding would cut a chip off from what it has in the cloud."""
    keys = YearKeys(2026, bytes(range(32)), SealSecret((np.arange(N) % 3 - 1).astype(np.int8)))
    assert keys.id.hex() == "0e64b6976c30b8b8"
    assert (
        keys.epoch_mac(bytes(16), 24_321, bytes(8), bytes(64)).hex()
        == "85ba10b8065f341d4f054ddd371af64c2889e3e3a5934d8a0cb003ac330438ad"
    )
    assert keys.blinding(20_454, (1, 2, 3)) == int(
        "1173831305262634284975547291387591065659049465178048302424148328173108627606"
    )


# Whose they are


def test_keys_of_one_year_are_no_function_of_the_household_or_of_another_year():
    """They could be derived again after their destruction otherwise."""
    drawn = [YearKeys.generate(2026) for _ in range(8)]
    assert len({keys.id for keys in drawn}) == len(drawn)
    assert len({pack_ternary(keys.seal.ternary) for keys in drawn}) == len(drawn)
    assert not any(keys.made(header_of(KEYS)) for keys in drawn)


def test_an_epoch_of_another_household_is_not_ones_own():
    header = header_of(KEYS, HouseholdSecret.generate())
    assert KEYS.made(header)
    claimed = Epoch(HOUSEHOLD.id, header.month, header.incarnation, header.seed, header.mac)
    assert not KEYS.made(claimed)


# When they go


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (date(2028, 2, 28), 2025),
        (date(2028, 2, 29), 2025),
        (date(2028, 3, 1), 2026),
        (date(2028, 12, 31), 2026),
        (date(2029, 2, 28), 2026),
        (date(2029, 3, 1), 2027),
    ],
)
def test_keys_go_on_the_first_of_march_two_years_later(day, last):
    assert last_year_without_keys(day) == last


def test_whoever_copies_a_card_gets_14_to_26_months_of_a_recording():
    months = set()
    for day in days_between(date(2028, 1, 1), date(2029, 1, 1)):
        oldest = last_year_without_keys(day) + 1
        months.add((day.year - oldest) * 12 + day.month)
    assert (min(months) - 1, max(months)) == (14, 26)
