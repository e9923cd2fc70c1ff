"""Faults on request: what they do, and that they are the same each time."""

from datetime import datetime, timedelta
from itertools import product

import numpy as np
import pytest

from edge.metering.events import DayClosed, Notice, NoticeKind, QuarterHourClosed
from edge.metering.meter import Meter
from edge.metering.unconfirmed import quarantine_in
from edge.simulate.curve import Curve
from edge.simulate.faults import Faults, Wire, parse_faults
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.host import host_time_at
from edge.simulate.player import frames
from edge.simulate.tariff import CALENDARS, MeterOption
from edge.tic.decoder import Decoder
from edge.tic.frame import ClosedBy, Mode
from protocol.calendar import PARIS
from protocol.errors import ConfigError
from protocol.registers import names_of
from tests.support.sweeps import swept

START = datetime(2025, 3, 28, tzinfo=PARIS)
END = datetime(2025, 4, 1, tzinfo=PARIS)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def curve() -> Curve:
    steps = int((END.timestamp() - START.timestamp()) // 1_800)
    power_w = np.random.default_rng(2).integers(50, 5_500, steps)
    return Curve(int(START.timestamp()), 1_800, power_w)


def run(faults: str, *, step_s: int = 150, wire_seed: int = 1, **settings):
    """Play four days through wire, decoder and metering; return the home, meter and events."""
    wanted = parse_faults(faults)
    home = build_home(curve(), HomeSettings(**settings), wanted)
    wire, decoder, meter = Wire(wanted, wire_seed), Decoder(), Meter()
    events = []
    for sent in frames(home, START, END, step_s):
        at = datetime.fromtimestamp(sent.at_s, PARIS)
        for frame in decoder.feed(wire.carry(sent.data, int(sent.at_s))):
            events += meter.observe(frame, host_time_at(at))
    return home, meter, events


def drawn_wh(events, meter) -> int:
    closed = [event.energy_wh for event in events if isinstance(event, QuarterHourClosed)]
    return sum(closed) + meter.state.account.pool_wh


def kinds(events) -> list[NoticeKind]:
    return [event.kind for event in events if isinstance(event, Notice)]


def test_clean_play_is_metered_exactly_as_the_oracle_counts():
    home, meter, events = run("", option=MeterOption.HPHC, is_producer=True, step_s=450)
    simulated = home.meter_at(START)
    assert drawn_wh(events, meter) == simulated.total_wh(END) - simulated.total_wh(START)
    for event in events:
        if isinstance(event, QuarterHourClosed):
            begin = datetime.combine(event.day, datetime.min.time(), PARIS)
            at = begin.timestamp() + 900 * event.j
            edges = [datetime.fromtimestamp(at + s, PARIS) for s in (0, 900)]
            before_wh, after_wh = (simulated.total_wh(edge) for edge in edges)
            assert event.energy_wh == after_wh - before_wh
            assert not event.is_estimated
    days = [event for event in events if isinstance(event, DayClosed)]
    assert len(days) == 4
    for n in (0, 1):
        first, last = (simulated.registers_wh(at)[n] // 1_000 for at in (START, END))
        assert sum(day.register_steps_kwh[n] for day in days) == last - first
    injected_wh = simulated.injected_wh(END) - simulated.injected_wh(START)
    assert sum(day.injected_wh for day in days) == injected_wh > 0


@pytest.mark.parametrize("mode", list(Mode))
def test_bad_wire_costs_frames_and_no_energy(mode):
    spoilt = "flips=0.002,drops=0.002,bursts=0.05,eot=0.05,parity=0.002"
    home, meter, events = run(spoilt, mode=mode, option=MeterOption.TEMPO)
    simulated = home.meter_at(START)
    account = meter.state.account
    assert account is not None
    missed_wh = simulated.total_wh(END) - account.last.total_wh
    first_wh = account.last.total_wh - drawn_wh(events, meter)
    assert 0 <= missed_wh < 2_000
    assert 0 <= first_wh - simulated.total_wh(START) < 2_000
    assert NoticeKind.INDEX_QUARANTINED not in kinds(events)


def test_wire_does_the_same_each_time_and_nothing_unasked():
    home = build_home(curve())
    frame = home.frame_at(START)
    assert Wire(Faults(), 1).carry(frame, 5) == frame
    spoilt = Faults(flips=0.01, drops=0.01, bursts=0.5, eot=0.5, parity=0.01)
    assert Wire(spoilt, 1).carry(frame, 5) == Wire(spoilt, 1).carry(frame, 5)
    assert Wire(spoilt, 1).carry(frame, 5) != Wire(spoilt, 1).carry(frame, 6)
    assert Wire(spoilt, 1).carry(frame, 5) != Wire(spoilt, 2).carry(frame, 5)


def test_parity_stands_in_bit_7_as_an_8n1_line_delivers_it():
    frame = build_home(curve()).frame_at(START)
    arrived = Wire(Faults(parity=0.0), 1).carry(frame, 5)
    assert bytes(byte & 0x7F for byte in arrived) == frame
    assert all(byte.bit_count() % 2 == 0 for byte in arrived)
    wrong = Wire(Faults(parity=1.0), 1).carry(frame, 5)
    assert all(byte.bit_count() % 2 == 1 for byte in wrong)


def test_interrupted_frame_ends_with_eot():
    frame = build_home(curve()).frame_at(START)
    arrived = Wire(Faults(eot=1.0), 1).carry(frame, 5)
    assert frame.startswith(arrived[:-1])
    (decoded,) = Decoder().feed(arrived)
    assert decoded.closed_by is ClosedBy.EOT


def test_meter_replacement_is_followed():
    at = local("2025-03-29T10:20")
    home, meter, events = run("replace=2025-03-29T10:20", step_s=60)
    old, new = home.meter_at(START), home.meter_at(END)
    assert old.profile.serial != new.profile.serial
    assert new.registers_wh(at) == (0,)
    assert NoticeKind.METER_REPLACED in kinds(events)
    counted_wh = old.total_wh(at - timedelta(minutes=1)) - old.total_wh(START) + new.total_wh(END)
    assert drawn_wh(events, meter) == counted_wh


def test_mode_switch_keeps_registers_and_metering():
    home, meter, events = run("mode=2025-03-29T10:20", option=MeterOption.HPHC)
    assert home.meter_at(END).profile.mode is Mode.HISTORIQUE
    assert kinds(events) == [NoticeKind.CALENDAR_CHANGED]
    simulated = home.meter_at(START)
    assert drawn_wh(events, meter) == simulated.total_wh(END) - simulated.total_wh(START)


def test_register_wraps_where_asked():
    home, meter, events = run("wrap=2025-03-30T10:20")
    simulated = home.meter_at(START)
    at = local("2025-03-30T10:20")
    assert simulated.registers_wh(at - timedelta(minutes=2))[0] > 999_990_000
    assert simulated.registers_wh(at)[0] == 0
    assert kinds(events) == [NoticeKind.INDEX_WRAPPED]
    counted_wh = (simulated.total_wh(END) - simulated.total_wh(START)) % 1_000_000_000
    assert drawn_wh(events, meter) == counted_wh


def test_register_is_set_to_zero_where_asked_and_waits_for_a_person():
    at = local("2025-03-29T10:20")
    home, meter, events = run("reset=2025-03-29T10:20", option=MeterOption.HPHC)
    before, after = home.meter_at(START), home.meter_at(at)
    low_wh, high_wh = after.registers_wh(at)
    assert (low_wh, high_wh) == (before.registers_wh(at)[0], 0)
    assert after.profile.serial == before.profile.serial
    drawn_since_wh = sum(before.registers_wh(END)) - sum(before.registers_wh(at))
    assert sum(after.registers_wh(END)) - low_wh == pytest.approx(drawn_since_wh, abs=2)
    assert NoticeKind.INDEX_QUARANTINED in kinds(events)
    assert quarantine_in(meter.state) is not None


@pytest.mark.parametrize(("mode", "option"), swept(product(Mode, MeterOption), 3))
def test_calendar_changes_where_asked_and_no_energy_is_lost(mode, option):
    first = MeterOption.HPHC if option is MeterOption.BASE else MeterOption.BASE
    home, meter, events = run(f"calendar=2025-03-29T10:20/{option}", option=first, mode=mode)
    at = local("2025-03-29T10:20")
    before, after = home.meter_at(START), home.meter_at(at)
    shown_wh = before.registers_wh(at)
    assert after.registers_wh(at)[: len(shown_wh)] == shown_wh
    assert kinds(events)[0] is NoticeKind.CALENDAR_CHANGED
    assert meter.state.account.last.calendar in names_of(CALENDARS[option][1])
    if mode is Mode.STANDARD:
        assert kinds(events) == [NoticeKind.CALENDAR_CHANGED]
        assert drawn_wh(events, meter) == after.total_wh(END) - before.total_wh(START)


def test_what_happens_at_several_instants_follows_in_order():
    home, _, _ = run(
        "calendar=2025-03-30/hphc,reset=2025-03-29,mode=2025-03-31,replace=2025-03-31T12"
    )
    serials = [home.meter_at(local(day)).profile.serial for day in ("2025-03-30", "2025-03-31T12")]
    assert len(set(serials)) == 2
    last = home.meter_at(END)
    assert (last.profile.mode, last.counters.tariff.option) == (Mode.HISTORIQUE, MeterOption.HPHC)


def test_another_meter_is_on_the_line_for_a_while_and_the_own_one_counts_on():
    home, meter, events = run("other=2025-03-29T10:20/2025-03-29T11:20", option=MeterOption.HPHC)
    own, other = home.meter_at(START), home.meter_at(local("2025-03-29T11:00"))
    assert own.profile.serial != other.profile.serial
    assert home.meter_at(local("2025-03-29T11:20")) is own
    assert NoticeKind.OTHER_METER_DROPPED in kinds(events)
    assert drawn_wh(events, meter) == own.total_wh(END) - own.total_wh(START)


def test_power_cut_sends_nothing_and_draws_nothing():
    home, meter, events = run("cut=2025-03-28T10:20/2025-03-30T11:00")
    begin, end = local("2025-03-28T10:20"), local("2025-03-30T11:00")
    simulated = home.meter_at(START)
    assert home.frame_at(begin) == b""
    assert home.frame_at(end) != b""
    assert simulated.total_wh(begin) == simulated.total_wh(end)
    assert kinds(events) == [NoticeKind.GAP]
    counted_wh = simulated.total_wh(END) - simulated.total_wh(START)
    assert drawn_wh(events, meter) == counted_wh
    days = [event.is_index_read for event in events if isinstance(event, DayClosed)]
    assert days == [False, False, True, True]


def test_degraded_clock_is_sent_in_lower_case():
    home, _, events = run("degraded=2025-03-28T10:20/2025-03-28T11:00")
    at = local("2025-03-28T10:30")
    (frame,) = Decoder().feed(home.frame_at(at))
    assert frame.groups["DATE"].is_clock_degraded
    assert int(frame.groups["STGE"].value, 16) >> 16 & 1
    assert kinds(events) == [NoticeKind.CLOCK_DEGRADED]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("flips=2", "expected a rate from 0 to 1"),
        ("drops=often", "expected a rate from 0 to 1"),
        ("replace=soon", "expected an instant"),
        ("cut=2025-03-28T10:20", "expected an instant"),
        ("calendar=2025-03-28T10:20", "expected a tariff option after /"),
        ("calendar=soon/hphc", "expected an instant"),
        ("cut=2025-03-28T10:20/2025-03-28T10:00", "ends before it begins"),
        ("flip=0.1", "no such fault; there are flips,"),
    ],
)
def test_fault_that_cannot_be_read_is_named(text, what):
    with pytest.raises(ConfigError, match=f"--faults {text.split(',')[0]}: .*{what}"):
        parse_faults(text)
