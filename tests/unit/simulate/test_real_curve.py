"""A real customer's export, from file to metered quarter-hours."""

import os
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from edge.metering.events import DayClosed, QuarterHourClosed
from edge.metering.meter import Meter
from edge.simulate.curve_files import load_curve
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.host import host_time_at
from edge.simulate.player import frames
from edge.simulate.tariff import MeterOption
from edge.tic.decoder import Decoder
from protocol.calendar import PARIS

SHARED = Path(os.environ.get("VOLET_SHARED", Path(__file__).resolve().parents[4] / "shared"))
EXPORT = next((SHARED / "load_curves").glob("fr_linky_30min*.csv"), None)
pytestmark = pytest.mark.skipif(EXPORT is None, reason="no load curves (set VOLET_SHARED)")


def test_october_of_a_real_home_is_metered_to_the_wh():
    curve = load_curve(EXPORT)
    home = build_home(curve, HomeSettings(option=MeterOption.TEMPO, seed=1))
    start, end = (datetime(2022, month, 1, tzinfo=PARIS) for month in (10, 11))
    decoder, meter = Decoder(), Meter()
    events = []
    for sent in frames(home, start, end, 900):
        for frame in decoder.feed(sent.data):
            assert frame.is_complete
            events += meter.observe(frame, host_time_at(datetime.fromtimestamp(sent.at_s, PARIS)))
    simulated = home.meter_at(start)
    closed = [event for event in events if isinstance(event, QuarterHourClosed)]
    days = [event for event in events if isinstance(event, DayClosed)]
    assert len(closed) == 31 * 96 + 4
    assert len(days) == 31
    assert sum(quarter.energy_wh for quarter in closed) == (
        simulated.total_wh(end) - simulated.total_wh(start)
    )
    first = int(start.timestamp() - curve.start_s) // curve.step_s
    halves_w = curve.power_w[first : first + len(closed) // 2].tolist()
    pairs = list(pairwise(closed))[::2]
    for power_w, (one, other) in zip(halves_w, pairs, strict=True):
        assert abs(one.energy_wh + other.energy_wh - power_w / 2) <= 2
    for n in range(6):
        base, last = (simulated.registers_wh(at)[n] // 1_000 for at in (start, end))
        assert sum(day.register_steps_kwh[n] for day in days) == last - base
    assert all(day.is_index_read for day in days)
