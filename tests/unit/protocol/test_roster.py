"""The roster: append-only, signed, and what it says of a household on a day."""

from datetime import date

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocol.calendar import day_number
from protocol.errors import DocumentRefused
from protocol.roster import (
    COUNTS_AFTER_DAYS,
    FIRST_PREVIOUS,
    Roster,
    RosterEntry,
    SignedEntry,
    open_entry,
    sign_entry,
)

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes_raw()
START = day_number(date(2026, 1, 1))


class Register:
    """A roster in the making."""

    def __init__(self):
        self.roster = Roster(PUBLIC)
        self.signed = []

    def next(self, household=0, cell="751010101", start=START, **changes):
        entry = RosterEntry(
            len(self.roster),
            self.roster.head,
            b"%016d" % household,
            f"device-{household}",
            bytes(32),
            b"%032d" % household,
            cell,
            "",
            start,
        )
        return msgspec.structs.replace(entry, **changes)

    def add(self, *args, **changes):
        signed = sign_entry(self.next(*args, **changes), KEY)
        entry = self.roster.append(signed)
        assert entry == self.roster.entry(len(self.roster) - 1)
        self.signed.append(signed)
        return entry

    def where(self, day, household=0, length=None):
        membership = self.roster.membership(b"%016d" % household, day, length)
        return membership and membership.entry.cell


@pytest.fixture
def register():
    return Register()


def test_two_rosters_of_one_head_are_the_same(register):
    for household in range(5):
        register.add(household)
    other = Roster(PUBLIC)
    other.extend(register.signed)
    assert other.head == register.roster.head
    assert len(other) == 5
    assert other.head_at(0) == FIRST_PREVIOUS
    assert other.head_at(3) == register.signed[2].hash
    assert other.head_at(6) is None


@pytest.mark.parametrize(
    "changes",
    [{"number": 0}, {"number": 2}, {"previous": bytes(32)}, {"start": START - 1}],
    ids=str,
)
def test_an_entry_follows_the_last(register, changes):
    register.add()
    head = register.roster.head
    with pytest.raises(DocumentRefused):
        register.add(**changes)
    assert (register.roster.head, len(register.roster)) == (head, 1)


def test_only_the_registrar_signs(register):
    entry = register.next()
    with pytest.raises(DocumentRefused, match="has not signed"):
        register.roster.append(sign_entry(entry, Ed25519PrivateKey.generate()))
    good = sign_entry(entry, KEY)
    with pytest.raises(DocumentRefused, match="has not signed"):
        open_entry(SignedEntry(good.body + b"\0", good.signature), PUBLIC)
    assert open_entry(good, PUBLIC) == entry


def test_a_delivery_point_has_one_household_at_a_time(register):
    register.add(0)
    with pytest.raises(DocumentRefused, match="delivery point"):
        register.add(1, point=b"%032d" % 0)
    register.add(0, cell=None, start=START + 5)
    register.add(1, point=b"%032d" % 0, start=START + 5)


def test_a_household_that_left_left_its_point_and_can_come_back(register):
    register.add()
    register.add(cell=None, start=START + 10)
    with pytest.raises(DocumentRefused, match="stands nowhere"):
        register.add(cell=None, start=START + 11)
    register.add(start=START + 20)
    assert register.where(START + 9) == "751010101"
    assert register.where(START + 10) is None
    assert register.where(START + 20) == "751010101"


def test_cell_changes_at_most_once_a_quarter(register):
    register.add()
    register.add(cell="751020101", start=START + 10)
    with pytest.raises(DocumentRefused, match="second change"):
        register.add(cell="751030101", start=START + 20)
    april = day_number(date(2026, 4, 1))
    register.add(cell="751030101", start=april)
    assert register.where(april) == "751030101"
    assert register.where(april - 1) == "751020101"


def test_leaving_and_coming_back_does_not_get_around_the_quarter(register):
    register.add()
    register.add(cell="751020101", start=START + 10)
    register.add(cell=None, start=START + 11)
    with pytest.raises(DocumentRefused, match="second change"):
        register.add(cell="751030101", start=START + 12)


def test_newcomers_count_after_a_month_and_movers_keep_their_time(register):
    register.add()
    register.add(cell="751020101", start=START + 20)
    key = b"%016d" % 0
    counted = [
        register.roster.membership(key, START + n).is_counted
        for n in (0, COUNTS_AFTER_DAYS - 1, COUNTS_AFTER_DAYS)
    ]
    assert counted == [False, False, True]


def test_who_comes_back_is_new_again(register):
    register.add()
    register.add(cell=None, start=START + 40)
    register.add(start=START + 50)
    key = b"%016d" % 0
    assert register.roster.membership(key, START + 39).is_counted
    assert not register.roster.membership(key, START + 79).is_counted
    assert register.roster.membership(key, START + 80).is_counted


def test_an_old_length_says_what_it_said(register):
    register.add()
    register.add(cell="751020101", start=START + 10)
    assert register.where(START + 10, length=1) == "751010101"
    assert register.where(START + 10, length=2) == "751020101"
    assert register.where(START + 10, length=0) is None
    assert register.where(START - 1) is None


@given(st.lists(st.integers(0, 6), max_size=12))
def test_standings_are_those_of_each_household(households):
    register = Register()
    for household in households:
        try:
            register.add(household, start=START + len(register.roster))
        except DocumentRefused:
            continue
    day = START + 6
    listed = {each.entry.household_key: each for each in register.roster.memberships(day)}
    for key in register.roster.households():
        assert listed.get(key) == register.roster.membership(key, day)
        assert register.roster.history(key)[-1].household_key == key


@pytest.mark.parametrize("month", range(2, 13))
def test_the_year_has_four_quarters_of_calendar_months(register, month):
    """A change on the first of January, one in each later month: free from the next quarter on."""
    register.add(start=day_number(date(2025, 6, 1)))
    register.add(cell="751020101", start=day_number(date(2026, 1, 1)))
    again = {"cell": "751030101", "start": day_number(date(2026, month, 1))}
    if month < 4:
        with pytest.raises(DocumentRefused, match="second change"):
            register.add(**again)
        return
    register.add(**again)
    last = day_number(date(2026, month, 28))
    with pytest.raises(DocumentRefused, match="second change"):
        register.add(cell="751040101", start=last)
    following = (month - 1) // 3 * 3 + 4
    next_quarter = date(2026, following, 1) if following < 13 else date(2027, 1, 1)
    register.add(cell="751040101", start=day_number(next_quarter))
