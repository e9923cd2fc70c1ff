"""Which names of a meter's calendar stand for the same registers."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.metering.reading import HISTORIQUE_REGISTERS
from edge.simulate.tariff import CALENDARS, REGISTERS
from protocol.registers import count_alike, names_of, optarif_name, standard_name

# As meters send them (NGTF), calendars that only the standard mode knows among them.
STANDARD = ["BASE", "H PLEINE/CREUSE", "TEMPO", "EJP", "H SUPER CREUSES", "HC SEM ET HC WE"]
NAMES = [*HISTORIQUE_REGISTERS, *STANDARD]


@pytest.mark.parametrize("option", CALENDARS)
def test_both_modes_of_a_meter_name_the_same_registers_in_the_same_order(option):
    optarif, ngtf = CALENDARS[option]
    assert count_alike(optarif_name(optarif), ngtf)
    in_historique = HISTORIQUE_REGISTERS[optarif_name(optarif)]
    assert in_historique == tuple(label for label, _, _ in REGISTERS[option])


def test_no_two_calendars_of_one_mode_count_alike():
    for names in (list(HISTORIQUE_REGISTERS), STANDARD):
        alike = [(one, other) for one, other in product(names, names) if count_alike(one, other)]
        assert alike == [(name, name) for name in names]


@given(st.sampled_from(NAMES), st.sampled_from(NAMES) | st.text(max_size=16))
def test_every_name_of_a_calendar_is_told_and_no_other(name, other):
    assert (other in names_of(name)) is count_alike(name, other)
    assert names_of(name) == names_of(standard_name(name))
