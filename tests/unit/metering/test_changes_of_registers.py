"""Changes over which some registers go on and others do not, or are not shown."""

from datetime import UTC, datetime, timedelta

import pytest

from edge.metering.events import NoticeKind
from edge.tic.frame import Mode
from protocol.doubt import Doubt
from tests.support.metered_line import SECOND, Line, LineMeter
from tests.support.sweeps import swept

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 5, 5, 8, tzinfo=UTC)
PEAKS = "H PLEINE/CREUSE"


class Producer(LineMeter):
    """A meter in standard mode that also counts what is injected."""

    injected_wh = 2_500_000

    def count(self, *energies_wh: int) -> None:
        super().count(*energies_wh)
        self.injected_wh += sum(energies_wh)

    def _standard(self, at):
        return {**super()._standard(at), "EAIT": (f"{self.injected_wh:09}", None)}


def live(line: Line, source: LineMeter, at: datetime, span: timedelta, *energies_wh: int):
    """Let `energies_wh` be counted every ten minutes; returns the time at the end."""
    line.send(source, at, frames=4)
    until = at + span
    while at < until:
        at += 10 * MINUTE
        source.count(*energies_wh)
        line.send(source, at)
    return at


def doubts_of(line: Line) -> set[Doubt]:
    return {doubt for closed in line.days() for doubt in closed.doubts}


@pytest.mark.parametrize("silence", [3 * MINUTE, 10 * HOUR])
@pytest.mark.parametrize(
    ("before", "after", "registers_after"),
    [
        ((Mode.STANDARD, PEAKS), (Mode.HISTORIQUE, "BASE"), 1),
        ((Mode.HISTORIQUE, "HC"), (Mode.HISTORIQUE, "BASE"), 1),
        ((Mode.HISTORIQUE, "BASE"), (Mode.HISTORIQUE, "HC"), 2),
        ((Mode.HISTORIQUE, "BASE"), (Mode.STANDARD, PEAKS), 2),
    ],
)
def test_what_a_hidden_register_may_have_counted_unseen_is_told(
    before, after, registers_after, silence
):
    shown = [3_000_000, 5_000_000]
    source = LineMeter(shown[: 1 if before[1] == "BASE" else 2], before[1], before[0])
    line = Line()
    at = live(line, source, START, HOUR, 10)
    source.registers_wh = [source.registers_wh[0], 5_002_000][:registers_after]
    source.mode, source.calendar = after
    live(line, source, at + silence, 2 * DAY, 10)
    assert NoticeKind.INDEX_BEGAN_ANEW in line.kinds()
    assert doubts_of(line) == {Doubt.INDEX_BEGAN_ANEW}


def test_a_change_that_was_seen_leaves_no_doubt():
    source = LineMeter([3_000_000, 5_000_000], PEAKS)
    line = Line()
    at = live(line, source, START, HOUR, 10)
    source.mode, source.calendar, source.registers_wh = Mode.HISTORIQUE, "BASE", [3_000_060]
    live(line, source, at + SECOND, 2 * DAY, 10)
    assert not doubts_of(line)


@pytest.mark.parametrize("is_to_standard", [False, True])
def test_the_base_of_a_contract_unknown_to_historique_is_its_total(is_to_standard):
    states = [
        (Mode.HISTORIQUE, "BASE", [32_345_000]),
        (Mode.STANDARD, "WEEK-END", [20_000_000, 12_345_000]),
    ]
    before, after = states if is_to_standard else reversed(states)
    source = LineMeter(list(before[2]), before[1], before[0])
    line = Line()
    at = live(line, source, START, HOUR, 10)
    source.mode, source.calendar, source.registers_wh = *after[:2], list(after[2])
    source.count(60 + 40_000)
    live(line, source, at + 10 * HOUR, 2 * DAY, 10)
    counted_wh = 60 + 40_000 + 288 * 10
    assert line.curve_wh() == counted_wh
    assert sum(sum(steps) for steps in line.steps_kwh().values()) <= counted_wh // 1_000


@pytest.mark.parametrize("is_restarted", [False, True])
def test_an_injected_index_that_fell_unseen_goes_on_from_where_it_is(is_restarted):
    source = Producer([3_000_000], calendar="BASE")
    line = Line()
    at = live(line, source, START, HOUR)
    source.mode = Mode.HISTORIQUE
    at = live(line, source, at, HOUR)
    source.mode, source.injected_wh = Mode.STANDARD, 0
    if is_restarted:
        line.restart()
    at = live(line, source, at + HOUR, DAY, 10)
    live(line, source, at, 2 * DAY)
    assert sum(closed.injected_wh for closed in line.days()) == source.injected_wh == 1_440
    assert doubts_of(line) == {Doubt.INDEX_BEGAN_ANEW}


def test_one_register_that_began_anew_at_a_change_does_not_take_the_others_with_it():
    source = LineMeter([3_000_000, 5_000_000], "BASE")
    line = Line()
    at = live(line, source, START, HOUR)
    source.earlier_wh, source.registers_wh = 3_000_000, [0, 5_042_000]
    source.calendar = PEAKS
    live(line, source, at + 30 * HOUR, 2 * DAY)
    assert line.steps_kwh()[source.serial, PEAKS] == [0, 42]
    assert line.curve_wh() == 42_000
    assert doubts_of(line) == {Doubt.INDEX_BEGAN_ANEW}


@pytest.mark.parametrize("lacking", swept(range(5), 5))
def test_a_register_that_noise_hides_in_the_first_frames_of_a_new_meter_is_counted(lacking):
    line, former = Line(), LineMeter([3_000_000, 5_000_000], "HC")
    at = live(line, former, START, HOUR)
    source = LineMeter([10_000, 20_000], "HC", serial="021669999999")
    for n in range(8):
        at += 2 * SECOND
        line.send(source, at, **({"EASF02": ""} if n == lacking else {}))
    for _ in range(3 * 24 * 60):
        at += MINUTE
        source.count(3, 7)
        line.send(source, at)
    first, second = line.steps_kwh()[source.serial, "HC"]
    account = line.meter.state.account
    assert account.last.serial == source.serial
    assert (first, second) == (account.billed_kwh[0] - 10, account.billed_kwh[1] - 20)
