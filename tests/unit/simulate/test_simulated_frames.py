"""What the simulated meter sends decodes to exactly what it counts."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.simulate.curve import Curve
from edge.simulate.home import HomeSettings, SimulatedHome, build_home
from edge.simulate.tariff import MeterOption, SimulatedTariff, StgeColour
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from protocol.calendar import PARIS

START = datetime(2024, 11, 1, tzinfo=PARIS)
DAYS = 150
# In the order of the EASF registers.
INDEX_LABELS = {
    MeterOption.BASE: ("BASE",),
    MeterOption.HPHC: ("HCHC", "HCHP"),
    MeterOption.TEMPO: ("BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR"),
    MeterOption.EJP: ("EJPHN", "EJPHPM"),
}
SINGLE_PHASE = {
    *[
        "ADSC",
        "VTIC",
        "DATE",
        "NGTF",
        "LTARF",
        "EAST",
        "IRMS1",
        "URMS1",
        "PREF",
        "PCOUP",
        "SINSTS",
        "SMAXSN",
        "SMAXSN-1",
    ],
    *[
        "CCASN",
        "CCASN-1",
        "UMOY1",
        "STGE",
        "MSG1",
        "PRM",
        "RELAIS",
        "NTARF",
        "NJOURF",
        "NJOURF+1",
        "PJOURF+1",
    ],
    *(f"EASF{n:02}" for n in range(1, 11)),
    *(f"EASD{n:02}" for n in range(1, 5)),
}
THREE_PHASE = SINGLE_PHASE | {
    f"{name}{phase}{suffix}"
    for phase in (1, 2, 3)
    for name, suffix in [
        *((name, "") for name in ("IRMS", "URMS", "SINSTS", "SMAXSN", "UMOY")),
        ("SMAXSN", "-1"),
    ]
}
PRODUCER = {
    "EAIT",
    "ERQ1",
    "ERQ2",
    "ERQ3",
    "ERQ4",
    "SINSTI",
    "SMAXIN",
    "SMAXIN-1",
    "CCAIN",
    "CCAIN-1",
}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def curve(power_w: list[int] | None = None, start: datetime = START) -> Curve:
    if power_w is None:
        power_w = np.random.default_rng(7).integers(80, 5_000, 48 * DAYS).tolist()
    return Curve(int(start.timestamp()), 1_800, np.array(power_w, dtype=np.int64))


def decode(*frames: bytes) -> list[Frame]:
    decoder = Decoder()
    decoded = [frame for data in frames for frame in decoder.feed(data)]
    return decoded + decoder.finish()


def values(home: SimulatedHome, at: datetime) -> dict[str, str]:
    (frame,) = decode(home.frame_at(at))
    assert frame.is_complete
    return {label: group.value for label, group in frame.groups.items()}


@pytest.fixture(scope="module", params=list(MeterOption))
def option(request) -> MeterOption:
    return request.param


@pytest.fixture(scope="module")
def homes(option) -> dict[tuple[Mode, int, bool], SimulatedHome]:
    return {
        (mode, phases, is_producer): build_home(
            curve(),
            HomeSettings(
                mode=mode, option=option, kva=9, phases=phases, is_producer=is_producer, seed=3
            ),
        )
        for mode in Mode
        for phases in (1, 3)
        for is_producer in (False, True)
    }


@settings(max_examples=60, deadline=None)
@given(
    which=st.tuples(st.sampled_from(Mode), st.sampled_from((1, 3)), st.booleans()),
    elapsed_s=st.integers(0, DAYS * 86_400),
)
def test_frames_decode_to_the_oracles_registers(option, homes, which, elapsed_s):
    home = homes[which]
    at = START + timedelta(seconds=elapsed_s)
    (frame,) = decode(home.frame_at(at))
    assert frame.is_complete
    assert frame.mode is which[0]
    if frame.is_short:
        return
    meter = home.meter_at(at)
    labels = (
        [f"EASF{n:02}" for n in range(1, len(INDEX_LABELS[option]) + 1)]
        if which[0] is Mode.STANDARD
        else INDEX_LABELS[option]
    )
    shown_wh = tuple(int(frame.groups[label].value) for label in labels)
    assert shown_wh == meter.registers_wh(at)
    if which[0] is Mode.STANDARD:
        assert frame.groups["DATE"].at == at
        assert int(frame.groups["EAST"].value) == meter.total_wh(at) == sum(shown_wh)
        assert ("EAIT" in frame.groups) is which[2]
        if which[2]:
            assert int(frame.groups["EAIT"].value) == meter.injected_wh(at)
        number = int(frame.groups["NTARF"].value)
        assert int(frame.groups["STGE"].value, 16) >> 10 & 0xF == number - 1


def test_registers_add_up_to_the_curve(option):
    load = curve()
    home = build_home(load, HomeSettings(option=option, base_wh=(0,)))
    drawn_wh = int(load.power_w.sum()) // 2
    shown_wh = home.meter_at(home.end).total_wh(home.end)
    assert drawn_wh - len(INDEX_LABELS[option]) < shown_wh <= drawn_wh


def test_registers_follow_the_power_within_a_step():
    home = build_home(curve([3_600, 1_800]), HomeSettings(base_wh=(1_000,)))
    meter = home.meter_at(START)
    shown = [meter.registers_wh(START + timedelta(seconds=s))[0] for s in (0, 1, 900, 1_800, 1_802)]
    assert shown == [1_000, 1_001, 1_900, 2_800, 2_801]


@pytest.mark.parametrize("is_producer", [False, True])
@pytest.mark.parametrize(("phases", "labels"), [(1, SINGLE_PHASE), (3, THREE_PHASE)])
def test_standard_frames_carry_every_label_of_their_kind(phases, labels, is_producer):
    home = build_home(curve(), HomeSettings(phases=phases, is_producer=is_producer, kva=12))
    assert set(values(home, START + timedelta(days=2))) == labels | (
        PRODUCER if is_producer else set()
    )


def test_frame_is_a_pure_function_of_the_instant():
    instants = [START + timedelta(hours=hours, seconds=17 * hours) for hours in range(0, 400, 7)]
    one = build_home(curve(), HomeSettings(option=MeterOption.TEMPO, is_producer=True))
    other = build_home(curve(), HomeSettings(option=MeterOption.TEMPO, is_producer=True))
    forward = [one.frame_at(at) for at in instants]
    assert [other.frame_at(at) for at in reversed(instants)] == forward[::-1]


def test_off_peak_hours_go_to_the_first_register():
    home = build_home(curve([1_000] * 48), HomeSettings(option=MeterOption.HPHC, base_wh=(0, 0)))
    assert home.meter_at(home.end).registers_wh(home.end) == (8_000, 16_000)
    assert values(home, local("2024-11-01T22:30:00"))["NTARF"] == "01"
    assert values(home, local("2024-11-01T22:29:59"))["NTARF"] == "02"


@pytest.mark.parametrize(
    ("at", "bits", "ntarf"),
    [
        ("2025-01-14T05:59:59", (StgeColour.BLUE, StgeColour.RED), "01"),
        ("2025-01-14T06:00:00", (StgeColour.RED, StgeColour.NONE), "06"),
        ("2025-01-14T19:59:59", (StgeColour.RED, StgeColour.NONE), "06"),
        ("2025-01-14T20:00:00", (StgeColour.RED, StgeColour.WHITE), "06"),
        ("2025-01-14T22:00:00", (StgeColour.RED, StgeColour.WHITE), "05"),
        ("2025-01-15T01:00:00", (StgeColour.RED, StgeColour.WHITE), "05"),
        ("2025-01-15T06:00:00", (StgeColour.WHITE, StgeColour.NONE), "04"),
    ],
)
def test_tempo_days_run_from_six_to_six_and_tomorrow_is_known_from_twenty(at, bits, ntarf):
    colours = {
        date(2025, 1, 13): StgeColour.BLUE,
        date(2025, 1, 14): StgeColour.RED,
        date(2025, 1, 15): StgeColour.WHITE,
    }
    home = build_home(curve(), HomeSettings(option=MeterOption.TEMPO), colours=colours)
    shown = values(home, local(at))
    status = int(shown["STGE"], 16)
    assert (status >> 24 & 3, status >> 26 & 3) == bits
    assert shown["NTARF"] == ntarf
    old = build_home(
        curve(), HomeSettings(option=MeterOption.TEMPO, mode=Mode.HISTORIQUE), colours=colours
    )
    names = {
        StgeColour.NONE: "----",
        StgeColour.BLUE: "BLEU",
        StgeColour.WHITE: "BLAN",
        StgeColour.RED: "ROUG",
    }
    assert values(old, local(at))["DEMAIN"] == names[bits[1]]


def test_drawn_tempo_seasons_have_22_red_and_43_white_days():
    tariff = SimulatedTariff(MeterOption.TEMPO, seed=5)
    season = [date(2024, 9, 1) + timedelta(days=n) for n in range(365)]
    colours = [tariff.colour(day) for day in season]
    assert (colours.count(StgeColour.RED), colours.count(StgeColour.WHITE)) == (22, 43)
    red = [day for day, colour in zip(season, colours, strict=True) if colour is StgeColour.RED]
    assert all(day.weekday() < 5 and day.month in (11, 12, 1, 2, 3) for day in red)


def test_mobile_peak_is_announced_half_an_hour_ahead_and_counts_until_one():
    tariff = SimulatedTariff(MeterOption.EJP, seed=3)
    day = next(
        START.date() + timedelta(days=n)
        for n in range(5, DAYS)
        if tariff.is_peak_day(START.date() + timedelta(days=n))
    )

    def at(clock: time, later: int = 0) -> datetime:
        return datetime.combine(day + timedelta(days=later), clock, PARIS)

    old = build_home(curve(), HomeSettings(option=MeterOption.EJP, mode=Mode.HISTORIQUE, seed=3))
    new = build_home(curve(), HomeSettings(option=MeterOption.EJP, seed=3))
    for moment, notice, period, bits in [
        (at(time(6, 29)), False, "HN..", 0),
        (at(time(6, 30)), True, "HN..", 1),
        (at(time(7)), False, "PM..", 4),
        (at(time(0, 59), 1), False, "PM..", 4),
    ]:
        shown = values(old, moment)
        assert ("PEJP" in shown, shown["PTEC"]) == (notice, period)
        assert int(values(new, moment)["STGE"], 16) >> 28 == bits


def test_three_phase_overload_sends_short_frames_and_a_minute_more():
    load = curve([1_000, 12_000, 1_000])
    home = build_home(load, HomeSettings(mode=Mode.HISTORIQUE, phases=3, kva=9))

    def shorts(start_s: int) -> int:
        instants = [START + timedelta(seconds=start_s + n) for n in range(21)]
        frames = decode(*(home.frame_at(at) for at in instants))
        return sum(frame.is_short for frame in frames)

    assert [shorts(s) for s in (1_000, 2_000, 3_601, 3_700)] == [0, 20, 20, 0]


def test_single_phase_overload_warns():
    home = build_home(curve([1_000, 9_000]), HomeSettings(mode=Mode.HISTORIQUE, kva=6))
    assert "ADPS" not in values(home, START)
    shown = values(home, START + timedelta(minutes=40))
    assert shown["ADPS"] == shown["IINST"] == "042"
    new = build_home(curve([1_000, 9_000]), HomeSettings(kva=6))
    assert int(values(new, START + timedelta(minutes=40))["STGE"], 16) & 0x80


def test_maxima_and_load_curve_points_follow_the_day():
    load = curve([1_000, 4_000, 2_000] + [500] * 60)
    home = build_home(load)
    assert values(home, local("2024-11-01T00:10"))["SMAXSN"] == "01052"
    (frame,) = decode(home.frame_at(local("2024-11-01T02:10")))
    assert frame.groups["SMAXSN"].value == "04210"
    assert frame.groups["SMAXSN"].at == local("2024-11-01T00:30")
    assert frame.groups["CCASN"].value == "00500"
    assert frame.groups["CCASN"].at == local("2024-11-01T02:00")
    assert frame.groups["CCASN-1"].value == "02000"
    (frame,) = decode(home.frame_at(local("2024-11-02T02:10")))
    assert frame.groups["SMAXSN"].value == "00526"
    assert frame.groups["SMAXSN-1"].value == "04210"
    assert frame.groups["SMAXSN-1"].at == local("2024-11-01T00:30")


def test_october_hour_that_occurs_twice_is_told_apart():
    start = datetime(2025, 10, 25, 20, tzinfo=UTC)
    home = build_home(curve([500] * 48, start))
    instants = [datetime(2025, 10, 26, 0, 30, tzinfo=UTC) + n * timedelta(hours=1) for n in (0, 1)]
    frames = decode(*(home.frame_at(at) for at in instants))
    stamps = [frame.groups["DATE"].timestamp for frame in frames]
    assert stamps == ["E251026023000", "H251026023000"]
    assert [frame.groups["DATE"].at for frame in frames] == instants
