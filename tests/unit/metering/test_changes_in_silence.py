"""What changes at a meter while its line is silent, from the bytes of the line to the closed days."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge.metering.events import NoticeKind
from edge.tic.frame import Mode
from protocol.calendar import PARIS
from tests.support.metered_line import SECOND, Line, LineMeter

BEFORE = datetime(2025, 1, 10, 12, tzinfo=PARIS)
AFTER = datetime(2025, 1, 11, 20, tzinfo=PARIS)
NEXT_DAYS = datetime(2025, 1, 13, 0, 1, tzinfo=PARIS)
STANDARD, HISTORIQUE = Mode.STANDARD, Mode.HISTORIQUE
PEAKS = "H PLEINE/CREUSE"


def silent(source: LineMeter) -> Line:
    """A line that has been followed for a while and falls silent."""
    line = Line()
    line.send(source, BEFORE, frames=4)
    return line


def went_on(line: Line, source: LineMeter, **false: str) -> None:
    """Let the line speak again, and two days pass."""
    line.send(source, AFTER, frames=6, **false)
    line.send(source, AFTER + timedelta(hours=2), frames=4)
    line.send(source, NEXT_DAYS, frames=4)


NOISE_ON_NGTF = st.sampled_from([{}, {"NGTF": ""}, {"NGTF": f"{'TEMPO':^16}"}])


@given(is_restarted=st.booleans(), first=st.integers(0, 90_000), second=st.integers(0, 90_000))
def test_what_a_silence_counted_falls_under_the_calendar_after_it(is_restarted, first, second):
    source = LineMeter([5_000_000, 3_000_000])
    line = silent(source)
    source.calendar = PEAKS
    source.count(first, second)
    if is_restarted:
        line.restart()
    went_on(line, source)
    assert line.kinds() == [NoticeKind.GAP, NoticeKind.CALENDAR_CHANGED]  # one spell of gaps
    assert line.steps_kwh() == {
        (source.serial, "BASE"): [0, 0],
        (source.serial, PEAKS): [first // 1_000, second // 1_000],
    }
    assert line.curve_wh() == first + second


@given(noise=NOISE_ON_NGTF, other=NOISE_ON_NGTF, is_restarted=st.booleans())
def test_noise_on_the_calendar_after_a_silence_costs_frames_only(noise, other, is_restarted):
    source = LineMeter([5_000_000, 3_000_000])
    line = silent(source)
    source.calendar = PEAKS
    source.count(30_000, 60_000)
    if is_restarted:
        line.restart()
    line.send(source, AFTER, frames=2, **noise)
    went_on(line, source, **other)
    assert line.steps_kwh()[source.serial, PEAKS] == [30, 60]
    assert line.curve_wh() == 90_000


@given(st.lists(NOISE_ON_NGTF, min_size=1, max_size=60))
def test_noise_on_the_calendar_never_stops_metering(noises):
    source = LineMeter([5_000_000, 3_000_000], calendar=PEAKS)
    line = silent(source)
    for n, noise in enumerate(noises, 1):
        source.count(20, 10)
        line.send(source, BEFORE + n * 60 * SECOND, **noise)
    at = BEFORE + (len(noises) + 1) * 60 * SECOND
    line.send(source, at, frames=4)
    assert line.curve_wh() == 30 * len(noises)
    assert line.meter.state.account.last.at == at + 3 * SECOND


def test_a_meter_that_names_its_calendar_no_more_is_followed_on():
    source = LineMeter([5_000_000, 3_000_000], calendar=PEAKS)
    line = silent(source)
    source.count(2_000, 3_000)
    for n in range(20):
        line.send(source, AFTER + n * SECOND, NGTF="")
    assert line.curve_wh() == 5_000
    assert line.meter.state.account.last.calendar == PEAKS


@given(
    earlier_wh=st.sampled_from([0, 1, 400_000, 6_000_000]),
    first=st.integers(0, 300_000),
    second=st.integers(0, 300_000),
    is_to_standard=st.booleans(),
    silence=st.sampled_from([60 * SECOND, AFTER - BEFORE]),
)
def test_what_a_switch_of_the_mode_hides_is_what_its_registers_rose_by(
    earlier_wh, first, second, is_to_standard, silence
):
    names = ("HC", PEAKS) if is_to_standard else (PEAKS, "HC")
    modes = (HISTORIQUE, STANDARD) if is_to_standard else (STANDARD, HISTORIQUE)
    source = LineMeter([5_000_000, 3_000_000], names[0], modes[0], earlier_wh=earlier_wh)
    line = silent(source)
    source.mode, source.calendar = modes[1], names[1]
    if silence < timedelta(hours=1):
        first, second = first % 500, second % 500
    source.count(first, second)
    line.send(source, BEFORE + silence, frames=6)
    line.send(source, AFTER + timedelta(hours=2), frames=4)
    line.send(source, NEXT_DAYS, frames=4)
    assert line.curve_wh() == first + second
    counted = line.steps_kwh()
    assert [sum(steps) for steps in zip(*counted.values(), strict=True)] == [
        first // 1_000,
        second // 1_000,
    ]
    assert counted[source.serial, names[0]] == [0, 0]
    assert NoticeKind.INDEX_QUARANTINED not in line.kinds()


def test_a_mode_that_shows_other_registers_adds_nothing_to_bill_or_curve():
    source = LineMeter([5_000_000, 3_000_000], "HC", HISTORIQUE)
    line = silent(source)
    other = LineMeter([200_000, 10_000], PEAKS, earlier_wh=8_100_000)
    went_on(line, other)
    assert line.curve_wh() == 0
    assert all(steps == [0, 0] for steps in line.steps_kwh().values())


def test_a_false_register_is_not_borne_out_by_frames_that_lack_it():
    source = LineMeter([10_000_000, 3_000_000], calendar=PEAKS)
    line = silent(source)
    source.count(30_000, 0)
    went_on(line, source, EASF01="010330000")
    assert NoticeKind.INDEX_QUARANTINED not in line.kinds()
    assert line.steps_kwh() == {(source.serial, PEAKS): [30, 0]}
    assert line.curve_wh() == 30_000


def test_a_mode_changes_with_all_registers_or_not_yet():
    source = LineMeter([5_000_000, 3_000_000], "HC", HISTORIQUE)
    line = silent(source)
    source.mode, source.calendar = STANDARD, PEAKS
    source.count(30_000, 60_000)
    line.send(source, AFTER - 10 * SECOND, frames=3, EASF01="")
    went_on(line, source)
    assert line.curve_wh() == 90_000
    assert line.steps_kwh()[source.serial, PEAKS] == [30, 60]


@given(st.integers(0, 90_000), st.integers(0, 90_000))
def test_a_sum_of_other_registers_is_no_energy(while_two, while_six):
    six = LineMeter([5_000_000, 3_000_000, 40_000, 0, 0, 0], calendar="BBR", mode=HISTORIQUE)
    two = LineMeter(six.registers_wh[:2], calendar="HC", mode=HISTORIQUE)
    line = silent(six)
    two.count(while_two)
    line.send(two, BEFORE + timedelta(hours=8), frames=6)
    six.count(while_two + while_six)
    went_on(line, six)
    assert line.curve_wh() == while_two + while_six


@given(st.integers(0, 90_000))
def test_a_sum_of_more_registers_asks_no_person(counted):
    one = LineMeter([5_000_000], calendar="BASE", mode=HISTORIQUE)
    six = LineMeter([5_000_000, 3_000_000, 40_000, 0, 0, 0], calendar="BBR", mode=HISTORIQUE)
    line = silent(one)
    six.count(counted)
    went_on(line, six)
    assert NoticeKind.INDEX_QUARANTINED not in line.kinds()
    assert NoticeKind.INDEX_JUMPED not in line.kinds()
    assert line.curve_wh() == counted
