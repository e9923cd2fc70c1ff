"""Days that are opened again across a change: each register's steps are counted once."""

from datetime import datetime, timedelta

import pytest

from edge.metering.reopening import Undone
from edge.tic.frame import Mode
from protocol.calendar import PARIS
from tests.support.metered_line import Line, LineMeter

START = datetime(2025, 1, 10, 12, tzinfo=PARIS)
DAY = timedelta(days=1)
NAMES = {"HC": "H PLEINE/CREUSE", "BBR": "TEMPO", "EJP": "EJP", "BASE": "BASE"}


def drawn(line: Line, source: LineMeter, days: int) -> None:
    """Let days pass, each with readings around its end, a kWh and a half in each register."""
    at = datetime(2025, 1, 10, 23, 50, tzinfo=PARIS) + len(line.days()) * DAY
    for n in range(days):
        source.count(*[1_500 for _ in source.registers_wh])
        line.send(source, at + n * DAY, frames=3)
        line.send(source, at + n * DAY + timedelta(minutes=11), frames=3)


def reopened(line: Line, days: int) -> None:
    """Take the last closed days out again."""
    taken = line.days()[-days:]
    since = taken[0].day
    quarters = [each for each in line.events if hasattr(each, "j") and each.day >= since]
    line.meter.reopen(Undone((since, 0), tuple(quarters), tuple(taken)))
    line.events = [each for each in line.events if each not in quarters and each not in taken]


def counted_kwh(line: Line) -> list[int]:
    return [
        sum(each) for each in zip(*(day.register_steps_kwh for day in line.days()), strict=True)
    ]


@pytest.mark.parametrize("is_to_standard", [True, False])
@pytest.mark.parametrize(("name", "registers"), [("HC", 2), ("BBR", 6)])
def test_days_under_both_names_of_a_calendar_are_one_account(name, registers, is_to_standard):
    modes = [(Mode.HISTORIQUE, name), (Mode.STANDARD, NAMES[name])]
    (mode, calendar), (later_mode, later) = modes if is_to_standard else modes[::-1]
    bases_wh = [5_000_000 + 200 * n for n in range(registers)]
    source, line = LineMeter([*bases_wh], calendar, mode), Line()
    line.send(source, START, frames=4)
    drawn(line, source, 2)
    source.mode, source.calendar = later_mode, later
    drawn(line, source, 3)
    reopened(line, 4)
    assert line.meter.state.account.parts == ()
    drawn(line, source, 3)
    last = line.meter.state.account.last.registers_wh
    assert counted_kwh(line)[:registers] == [
        last[n] // 1_000 - base_wh // 1_000 for n, base_wh in enumerate(bases_wh)
    ]


def test_steps_before_registers_began_anew_are_not_taken_from_the_new_ones():
    source, line = LineMeter([5_000_000, 3_000_000]), Line()
    line.send(source, START, frames=4)
    drawn(line, source, 2)
    source.registers_wh = [700, 20_000]
    line.send(source, START + 2 * DAY, frames=4)
    line.events += line.meter.confirm_index()
    drawn(line, source, 2)
    before = counted_kwh(line)
    reopened(line, 3)
    drawn(line, source, 2)
    assert counted_kwh(line)[:2] == [before[0] + 3, before[1] + 3]
