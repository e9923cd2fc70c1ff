"""One household-day's contribution: what it carries, and under which terms it is made."""

from datetime import date
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.area.pricing import NOT_PRICED, priced
from edge.metering.events import DayClosed
from edge.privacy.contribution import (
    ContributionInputs,
    CostedContribution,
    DayValues,
    Seeds,
    contribute,
)
from edge.privacy.ledger import Caps, Ledger, Limit
from protocol.area_cipher import (
    SHAPES,
    MaskContext,
    from_bytes,
    mask,
    mask_key,
    month_number,
    unmask,
)
from protocol.area_messages import check_contribution
from protocol.calendar import day_number, quarter_hours
from protocol.errors import DocumentRefused
from protocol.measures import PROFILE_SLOTS
from protocol.price_classes import EDGES, price_class
from protocol.roster import RosterEntry
from protocol.schedule import Calendar, PriceSeries, Run, Schedules, quarter_range
from protocol.seeds import draw_seeds
from protocol.socio import Profile, check_profile, profile_values
from protocol.tariff import CalendarLine, FixedLine, MarketLine, RegisterLine, Tariff
from tests.support.chip_area import ROWS, make_measures, small_transform

DAY = date(2026, 5, 11)
KEY = bytes(range(16))
ENTRY = RosterEntry(3, bytes(32), KEY, "a" * 26, bytes(32), bytes(32), "751010101", "edf", 0)
SEEDS = Seeds(7, bytes(32), draw_seeds(SHAPES[0]), 20_454)


def no_noise(slots, std_units):
    del std_units
    return np.zeros(slots, np.int64)


def grounds(entry=ENTRY, **changes):
    measures = make_measures(bytes(32), b"t" * 32, **changes)
    return ContributionInputs(measures, b"m" * 32, {b"t" * 32: small_transform()}, entry, SEEDS)


def values(day=DAY, **changes):
    return DayValues(day, [100] * quarter_hours(day), **changes)


def opened(made, measure):
    part = next(each for each in made.contribution.parts if each.measure == measure)
    words, day = from_bytes(part.words), made.contribution.day
    context = MaskContext(made.contribution.measures, measure, part.group, len(words), day)
    masks = [
        mask(mask_key(seed, KEY, day), context, made.contribution.nonce)
        for seed in SEEDS.later(month_number(day)).seeds
    ]
    return unmask(words, masks)


@pytest.mark.parametrize("day", [DAY, date(2026, 3, 29), date(2026, 10, 25)])
def test_what_a_contribution_opens_to(day):
    priced_wh = (0,) * 9 + (9_600,) + (0,) * 6
    profile = Profile((0, 0, 2, 0, 0, 0), 1)
    made = contribute(
        values(day, priced_wh=priced_wh, cost_cents=250, injected_wh=50, profile=profile),
        grounds(),
        Ledger(),
        Caps(),
        sampler=no_noise,
    )
    assert isinstance(made, CostedContribution)
    check_contribution(made.contribution)
    grid = 2**24
    classes = opened(made, "classes")
    assert classes.tolist() == [
        *(int(each * 1e-5 * grid) for each in priced_wh),
        int(250 * 1e-5 * grid),
        int(50 * 1e-5 * grid),
        1,
    ]
    # The profile is flat at 100 Wh, and so is the day: nothing is left of it.
    assert np.abs(opened(made, "curve")[:-1]).max() <= 1
    assert len(opened(made, "curve")) == ROWS + 1
    assert opened(made, "profile")[-1] == 1
    assert sum(each.rho for each in made.spends) == pytest.approx(0.1005, abs=1e-4)


def test_two_contributions_never_share_a_nonce_or_noise():
    first, second = (contribute(values(), grounds(), Ledger(), Caps()) for _ in range(2))
    assert first.contribution.nonce != second.contribution.nonce
    assert (opened(first, "curve") != opened(second, "curve")).sum() == ROWS


def test_no_noise_is_drawn_where_a_cap_stands_against_it():
    def forbidden(slots, std_units):
        raise AssertionError((slots, std_units))

    made = contribute(values(), grounds(), Ledger(), Caps(year_rho=0.05), sampler=forbidden)
    assert made is Limit.YEAR


def test_days_that_are_not_drawn_have_no_part():
    few = grounds(days_a_week=1)
    taken = [
        day
        for day in range(day_number(date(2026, 1, 1)), day_number(date(2027, 1, 1)))
        if few.measures.is_counted(day)
    ]
    assert len(taken) == 53
    quiet = next(day for day in range(20_600, 20_700) if not few.measures.is_counted(day))
    day = date.fromordinal(date(1970, 1, 1).toordinal() + quiet)
    assert contribute(values(day), few, Ledger(), Caps()) is None


def test_a_household_that_stands_elsewhere_or_not_yet_has_no_part():
    for entry in (
        msgspec.structs.replace(ENTRY, cell="13055"),
        msgspec.structs.replace(ENTRY, cell=None),
        msgspec.structs.replace(ENTRY, start=day_number(DAY) + 1),
    ):
        assert contribute(values(), grounds(entry), Ledger(), Caps()) is None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9_000), min_size=96, max_size=96), st.integers(0, 1 << 20))
def test_no_day_exceeds_the_clip(energies, injected_wh):
    day = DayValues(DAY, energies, injected_wh, profile=Profile((30, 0, 0, 0, 0, 0), 3))
    made = contribute(day, grounds(), Ledger(), Caps(), sampler=no_noise)
    for part in made.contribution.parts:
        slots = opened(made, part.measure)[:-1].tolist()
        assert sum(each**2 for each in slots) <= 2**48


# The profile's slots.


@given(st.lists(st.integers(0, 5), min_size=6, max_size=6), st.integers(0, 5), st.floats(0, 1e6))
def test_profiles_count_a_household_once_and_share_its_energy(ages, employed, energy_wh):
    profile = Profile(tuple(ages), employed)
    if not 1 <= profile.size <= 30 or employed > profile.size:
        with pytest.raises(DocumentRefused):
            check_profile(profile)
        return
    check_profile(profile)
    slots = profile_values(profile, energy_wh)
    assert slots.shape == (30,)
    assert slots[:5].sum() == slots[11:15].sum() == 1
    assert slots[5:11].sum() == profile.size
    for part in (slots[15:20], slots[20:26], slots[26:30]):
        assert part.sum() == pytest.approx(energy_wh)
    assert slots[min(profile.size, 5) - 1] == 1


# Prices.


def tariff(**changes):
    fields = {
        "provider": "edf",
        "name": "HC",
        "calendar": "H PLEINE/CREUSE",
        "valid_from": date(2026, 1, 1),
        "valid_to": None,
        "currency": "EUR",
        "fixed": (FixedLine("abonnement", Decimal("15.50"), "month", Decimal("0.20")),),
        "energy": (
            RegisterLine("creuses", (1,), Decimal("0.13"), Decimal("0.20")),
            RegisterLine("pleines", (2,), Decimal("0.17"), Decimal("0.20")),
        ),
    }
    return Tariff(**fields | changes)


def closed(**changes):
    fields = {
        "day": DAY,
        "register_steps_kwh": (4, 6, *(0,) * 8),
        "injected_wh": 0,
        "injected_step_kwh": 0,
        "register_index_kwh": (0,) * 10,
        "injected_index_kwh": 0,
        "drawn_index_wh": 0,
        "injected_index_wh": 0,
        "meter_serial": "",
        "calendar": "H PLEINE/CREUSE",
        "max_power_va": 0,
        "is_index_read": True,
    }
    return DayClosed(**fields | changes)


def test_a_day_is_priced_by_the_contract():
    energies, cents = priced(closed(), [tariff()])
    assert energies[price_class(Decimal("0.156"))] == 4_000
    assert energies[price_class(Decimal("0.204"))] == 6_000
    assert sum(energies) == 10_000
    # 0.50 € of the subscription, 0.52 and 1.02 of energy, and 20 % of VAT on it.
    assert cents == 245


def test_energy_and_excise_make_one_price_together():
    excise = RegisterLine("accise", (1, 2), Decimal("0.03"), Decimal("0.20"))
    energies, _ = priced(closed(), [tariff(energy=(*tariff().energy, excise))])
    assert energies[price_class(Decimal("0.192"))] == 4_000
    assert energies[price_class(Decimal("0.240"))] == 6_000
    assert sum(energies) == 10_000


@pytest.mark.parametrize(
    ("day", "tariffs"),
    [
        ({}, []),
        ({}, [tariff(), tariff()]),
        ({}, [tariff(valid_from=date(2026, 6, 1))]),
        ({"calendar": "BASE"}, [tariff()]),
    ],
)
def test_a_day_without_its_one_tariff_is_not_priced(day, tariffs):
    assert priced(closed(**day), tariffs) == NOT_PRICED


def test_a_day_in_the_other_tic_mode_is_priced_alike():
    assert priced(closed(calendar="HC"), [tariff()]) == priced(closed(), [tariff()])


def test_price_classes_cover_every_price_once():
    assert list(EDGES) == sorted(EDGES)
    assert price_class(Decimal("-0.01")) == 0
    assert price_class(Decimal(0)) == 1
    assert price_class(Decimal(5)) == 15
    assert [price_class(edge) for edge in EDGES] == list(range(1, 16))


MAKER = "ef" * 32


def schedules():
    first, end = quarter_range(DAY)
    nights = Calendar(MAKER, "c", ("night", "day"), (Run(first, 0), Run(first + 24, 1)), end, "")
    spot = PriceSeries(MAKER, "m", first, 4, tuple([-1_000] * 12 + [20_000] * 12))
    return Schedules([nights, spot])


def by_curve(*more):
    lines = (
        CalendarLine("night", MAKER, "c", ("night",), Decimal("0.10"), Decimal("0.20")),
        CalendarLine("day", MAKER, "c", ("day",), Decimal("0.25"), Decimal("0.20")),
    )
    return tariff(energy=(*lines, *more))


CURVE = [10] * 24 + [20] * 72


def test_the_curve_is_priced_by_the_class_of_each_quarter_hour():
    energies, cents = priced(closed(calendar="BASE"), [by_curve()], CURVE, schedules())
    assert energies[price_class(Decimal("0.12"))] == 240
    assert energies[price_class(Decimal("0.30"))] == 1_440
    assert sum(energies) == 1_680
    # 0.50 € of the subscription, 0.02 and 0.36 of energy, and 20 % of VAT on it.
    assert cents == 106


def test_market_prices_and_an_excise_on_all_registers_make_one_price():
    spot = MarketLine("spot", MAKER, "m", Decimal(1), Decimal("0.01"), Decimal(0))
    excise = RegisterLine("accise", tuple(range(1, 11)), Decimal("0.03"), Decimal("0.20"))
    energies, _ = priced(closed(), [tariff(energy=(spot, excise))], CURVE, schedules())
    assert energies[price_class(Decimal("0.036"))] == 24 * 10 + 24 * 20
    assert energies[price_class(Decimal("0.246"))] == 48 * 20
    energies, _ = priced(closed(), [tariff(energy=(spot,))], CURVE, schedules())
    assert energies[price_class(Decimal(0))] == 24 * 10 + 24 * 20


@pytest.mark.parametrize(
    ("lines", "curve", "listed"),
    [
        ((), CURVE, False),  # the calendar does not reach the day
        ((), CURVE[:-1], True),
        ((), (), True),
        (tariff().energy, CURVE, True),  # registers of two prices beside the curve
    ],
)
def test_a_curve_that_no_price_fits_is_not_priced(lines, curve, listed):
    found = priced(closed(), [by_curve(*lines)], curve, schedules() if listed else Schedules())
    assert found == NOT_PRICED


def test_a_household_without_a_profile_sends_zeros_and_is_counted():
    made = contribute(values(), grounds(), Ledger(), Caps(), sampler=no_noise)
    assert opened(made, "profile").tolist() == [0] * PROFILE_SLOTS + [1]
    disclosed = values(profile=Profile((0, 0, 2, 0, 0, 0), 1))
    other = contribute(disclosed, grounds(), Ledger(), Caps(), sampler=no_noise)
    assert made.spends == other.spends
    sizes = [[len(part.words) for part in each.contribution.parts] for each in (made, other)]
    assert sizes[0] == sizes[1]
