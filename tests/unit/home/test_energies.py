"""An energy value never falls and is never more than metering has accepted, whatever the line says."""

from datetime import timedelta
from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.home.energies import DRAWN, FALLS_BELIEVED, INJECTED, Series, follow
from edge.metering.reading import read
from edge.simulate.faults import Faults
from edge.simulate.home import HomeSettings
from edge.simulate.tariff import MeterOption
from edge.tic.decoder import Decoder
from edge.tic.frame import Mode
from protocol.calendar import day_start
from tests.support.billing_home import FIRST
from tests.support.line_noise import corrupt
from tests.support.told_home import ToldHome

HOURS = st.integers(1, 20).map(lambda hour: day_start(FIRST) + timedelta(hours=hour))


def faults():
    one = st.lists(HOURS, max_size=1).map(tuple)
    others = HOURS.map(lambda at: ((at, at + timedelta(hours=1)),))
    return st.builds(
        Faults, replace=one, mode=one, wrap=one, reset=one, other=st.one_of(st.just(()), others)
    )


def falls(told):
    values = [value for value, _ in told]
    return [(a, b) for a, b in pairwise(values) if b < a]


@settings(max_examples=25, deadline=None)
@given(
    faults=faults(),
    mode=st.sampled_from(Mode),
    option=st.sampled_from([MeterOption.BASE, MeterOption.HPHC, MeterOption.TEMPO]),
    is_producer=st.booleans(),
    seed=st.integers(0, 1_000),
    false_of_ten=st.integers(0, 6),
    restarts=st.sets(st.integers(0, 240), max_size=3),
)
def test_no_energy_falls_or_leaps(faults, mode, option, is_producer, seed, false_of_ten, restarts):
    home = ToldHome(
        HomeSettings(mode=mode, option=option, is_producer=is_producer, seed=seed), faults
    )
    random = Random(seed)

    def spoil(raw, _n):
        return corrupt(raw, random) if raw and random.randrange(10) < false_of_ten else raw

    for n in range(240):
        if n in restarts:
            home.restart()
        home.live(1, spoil=spoil)
    for key, told in home.energies.items():
        assert falls(told) == [], key
        assert all(value in accepted for value, accepted in told), key


def test_frames_told_without_metering_would_fall():
    """The line of the property above is hostile enough."""
    home, random, shown = ToldHome(HomeSettings(seed=4)), Random(4), []
    decoder = Decoder()
    for _ in range(240):
        raw = home.meter_line.frame_at(home.at + timedelta(minutes=5))
        raw = corrupt(raw, random) if random.randrange(10) < 4 else raw
        home.send(raw, timedelta(minutes=5))
        readings = [read(frame, home.at) for frame in decoder.feed(raw)]
        shown += [(reading.total_wh, ()) for reading in readings if reading is not None]
    assert falls(shown)
    assert falls(home.energies[DRAWN]) == []


def test_the_check_of_falls_finds_one():
    assert falls([(3, ()), (2, ())]) == [(3, 2)]


def test_nothing_is_told_of_a_meter_before_it_is_read_again():
    home = ToldHome(HomeSettings(seed=1))
    home.live(10)
    before = home.values()[DRAWN]
    stored = home.meter.state
    home.live(6)
    later = home.values()[DRAWN]
    assert later > before
    home.meter._state = stored  # as after a kill: the vault is minutes behind
    home.restart()
    frame = home.decoder.feed(home.meter_line.frame_at(home.at) * 2)[0]
    account = home.meter.state.account
    told = home.telling.meter(frame, account, None, home.at, is_read=False)
    assert msgspec.json.decode(told[-1].payload)[DRAWN] is None
    assert msgspec.json.decode(told[-1].payload)["power"] is not None


@pytest.mark.parametrize("fault", ["replace", "reset"])
def test_what_counts_anew_is_another_entity(fault):
    at = day_start(FIRST) + timedelta(hours=4)
    home = ToldHome(HomeSettings(seed=2), Faults(**{fault: (at,)}))
    home.live(60)
    assert set(home.energies) >= {DRAWN}
    if fault == "replace":
        home.meter.confirm_meter()
    else:
        home.meter.confirm_index()
    home.live(60)
    assert f"{DRAWN}_series_2" in home.energies
    first = [value for value, _ in home.energies[DRAWN]]
    second = [value for value, _ in home.energies[f"{DRAWN}_series_2"]]
    assert first == sorted(first)
    assert second == sorted(second)
    assert home.values()[DRAWN] is None  # the former meter counts no more


def test_a_counter_that_is_lower_for_a_moment_is_not_told():
    series, told = follow({DRAWN: Series(1, "m", 100)}, {DRAWN: ("m", 90)})
    assert told == {}
    series, told = follow(series, {DRAWN: ("m", 101)})
    assert (told, series[DRAWN]) == ({DRAWN: 101}, Series(1, "m", 101))


def test_a_counter_that_stays_lower_begins_a_series():
    series = {DRAWN: Series(1, "m", 100)}
    for _ in range(FALLS_BELIEVED - 1):
        series, told = follow(series, {DRAWN: ("m", 90)})
        assert told == {}
    series, told = follow(series, {DRAWN: ("m", 90)})
    assert (told, series[DRAWN]) == ({DRAWN: 90}, Series(2, "m", 90))


def test_a_producer_is_told_what_it_injects():
    home = ToldHome(HomeSettings(seed=5, is_producer=True))
    home.live(100)
    assert home.energies[INJECTED]
