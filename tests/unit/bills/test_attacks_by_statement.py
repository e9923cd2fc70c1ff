"""A provider and a collectivity that collude try to read one day out of what leaves a chip.

Each attack is played against the chip as it is, where it reads nothing; with all the rules that
stop it taken out but one, where that one is enough; and with all of them taken out, where it reads
its day to the kWh, or its quarter-hour to the Wh. So each rule is shown to be needed, and each
attack to be one.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

import msgspec
import numpy as np
import pytest

import edge.bills.receipts
import protocol.statement
from edge.bills.billed import BilledDays
from edge.bills.judgement import Finding, Verdict
from edge.bills.receipts import Hold
from protocol.calendar import days_between
from protocol.contract import Consent
from protocol.household import Q
from protocol.schedule import Calendar, PriceSeries, Run, Schedules, quarter_range
from protocol.tariff import CalendarLine, MarketLine, RegisterLine
from tests.support.household import Household
from tests.support.tariffs import simple_tariff
from tests.support.victim import ReceiptContent, Victim

ONE_DAY = timedelta(days=1)
START, END = date(2026, 8, 20), date(2026, 11, 11)
TARGET = date(2026, 9, 20)
BEFORE, SPLIT, AFTER = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)
FIRST_Q, LAST_Q = 40, 41  # the quarter-hour of TARGET that is wanted
PUBLISHER = bytes(32)
NO_VAT = Decimal(0)

# Each rule, by what takes it out.
RULES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "a day is billed once": lambda: patch.object(BilledDays, "objection", return_value=None),
    "a day has one receipt": lambda: patch.object(Victim, "is_remembering", new=False),
    "25 days": lambda: patch.object(edge.bills.receipts, "PERIOD_DAYS_MIN", 1),
    "contracts of a day": lambda: patch.object(
        edge.bills.receipts, "_may_be_short", lambda grounds, _: grounds.is_last
    ),
    "spread": lambda: patch.object(protocol.statement, "check_spread"),
}
TWICE = ("a day is billed once", "a day has one receipt")


def tariff(price="1", *, name="t", first=date(2026, 1, 1), last=None, energy=None):
    line = RegisterLine("energy", (1,), Decimal(price), NO_VAT)
    energy = (line,) if energy is None else energy
    return simple_tariff(name=name, fixed=(), energy=energy, valid_from=first, valid_to=last)


def total(said: ReceiptContent | None) -> int | None:
    """Read kWh where one costs 1 €."""
    return None if said is None else int(said.total)


def difference(more: ReceiptContent | None, less: ReceiptContent | None) -> int | None:
    return None if more is None or less is None else int(more.total - less.total)


# Attacks on register 1 on TARGET: each returns the kWh that it has read, or None.


def cut_the_day_off(victim):
    """The same month with the day and without it."""
    deal = victim.sign(tariff())
    less = victim.ask(deal, BEFORE, SPLIT, without=[TARGET])
    return difference(victim.ask(deal, BEFORE, SPLIT), less)


def overlap(victim):
    """Two months that overlap but for the day."""
    deal, end = victim.sign(tariff()), TARGET + 31 * ONE_DAY
    long = victim.ask(deal, TARGET, end)
    return difference(long, victim.ask(deal, TARGET + ONE_DAY, end))


def two_contracts(victim):
    """The same by two providers who tell each other."""
    one, other, end = victim.sign(tariff()), victim.sign(tariff(name="b")), TARGET + 31 * ONE_DAY
    long = victim.ask(one, TARGET, end)
    return difference(long, victim.ask(other, TARGET + ONE_DAY, end))


def leave_out_all_but_one(victim):
    """A month that bills one day."""
    others = [day for day in days_between(BEFORE, SPLIT) if day != TARGET]
    return total(victim.ask(victim.sign(tariff()), BEFORE, SPLIT, without=others))


def one_day(victim):
    """A period of one day."""
    return total(victim.ask(victim.sign(tariff()), TARGET, TARGET + ONE_DAY))


def one_day_late(victim):
    """The day left out of one month, and on a line of its own in the next."""
    deal = victim.sign(tariff())
    victim.ask(deal, BEFORE, SPLIT, without=[TARGET])
    said = victim.ask(deal, SPLIT, AFTER, late=[TARGET])
    return said and said.quantities and said.quantities[0]


def one_day_late_by_another_tariff(victim):
    """The same where a receipt says the total only: all is free by then but the late day."""
    deal = victim.sign(tariff(last=SPLIT), tariff("0", name="free", first=SPLIT))
    victim.ask(deal, BEFORE, SPLIT, without=[TARGET])
    return total(victim.ask(deal, SPLIT, AFTER, late=[TARGET]))


def a_billed_day_late(victim):
    """Days that were billed, named as late in a free month, but for one of them."""
    deal = victim.sign(tariff(last=SPLIT), tariff("0", name="free", first=SPLIT))
    victim.ask(deal, BEFORE, SPLIT)
    days = [TARGET + n * ONE_DAY for n in range(4)]
    more = victim.ask(deal, SPLIT, AFTER, late=days)
    return difference(more, victim.ask(deal, SPLIT, AFTER, late=days[1:]))


def contract_of_a_day(victim):
    """A contract renewed each day, whose last period may be shorter."""
    deal = victim.sign(tariff(), start=TARGET, end=TARGET + ONE_DAY)
    return total(victim.ask(deal, TARGET, TARGET + ONE_DAY))


def a_tariff_for_each_day(victim):
    """Thirty tariffs in one offer, each valid for a day, all free but the day's."""
    dated = [
        tariff("1" if day == TARGET else "0", name=f"t{day}", first=day, last=day + ONE_DAY)
        for day in days_between(BEFORE, SPLIT)
    ]
    return total(victim.ask(victim.sign(*dated), BEFORE, SPLIT))


def cancel_all_but_one(victim):
    """A negative price takes off again what a positive one has put on, but for the day."""
    both = (
        RegisterLine("on", (1,), Decimal(1), NO_VAT),
        RegisterLine("off", (1,), Decimal(-1), NO_VAT),
    )
    dated = [
        tariff(name="a", last=TARGET, energy=both),
        tariff(name="b", first=TARGET, last=TARGET + ONE_DAY, energy=both[:1]),
        tariff(name="c", first=TARGET + ONE_DAY, energy=both),
    ]
    return total(victim.ask(victim.sign(*dated), BEFORE, SPLIT))


def extend_before_the_last_day(victim):
    """An offer extended in the middle of a period."""
    deal = victim.sign(tariff("0"))
    longer = victim.extend(deal, tariff(name="later", first=TARGET))
    return total(victim.ask(deal, START, TARGET + ONE_DAY, offer=longer))


def correct_again_and_again(victim):
    """Corrections by offers that extend the first one from days that lie a day apart."""
    deal = victim.sign(tariff("0"))
    later = [
        victim.extend(deal, tariff(name=f"from {day}", first=day))
        for day in (TARGET, TARGET + ONE_DAY)
    ]
    request = victim.request(deal, BEFORE, SPLIT)
    victim.answer(deal, victim.statement(deal, request))
    return difference(
        *(victim.ask(deal, BEFORE, SPLIT, offer=each, corrects=request.id) for each in later)
    )


def the_same_month_by_another_id(victim):
    """The same days once more, by another offer."""
    deal = victim.sign(tariff("0"))
    later = [
        victim.extend(deal, tariff(name=f"from {day}", first=day))
        for day in (TARGET, TARGET + ONE_DAY)
    ]
    return difference(*(victim.ask(deal, BEFORE, SPLIT, offer=each) for each in later))


DAY_ATTACKS = {
    cut_the_day_off: TWICE,
    overlap: TWICE,
    two_contracts: TWICE,
    leave_out_all_but_one: ("25 days",),
    one_day: ("25 days",),
    one_day_late: ("spread",),
    one_day_late_by_another_tariff: ("spread",),
    a_billed_day_late: TWICE,
    contract_of_a_day: ("contracts of a day",),
    a_tariff_for_each_day: ("spread",),
    cancel_all_but_one: ("spread",),
    extend_before_the_last_day: ("spread",),
    correct_again_and_again: TWICE,
    the_same_month_by_another_id: TWICE,
}


# Attacks on a quarter-hour of TARGET: each returns the Wh that it has read, or None.


def calendar(*spikes):
    """Class `s` in the quarter-hours [first, end) of days, class `o` in all others."""
    runs = [Run(quarter_range(START)[0], 0)]
    for day, first, end in spikes:
        at = quarter_range(day)[0]
        runs += [Run(at + first, 1), Run(at + end, 0)]
    return Calendar(PUBLISHER, "c", ("o", "s"), tuple(runs), quarter_range(END)[0])


def on(name, classes, price):
    return CalendarLine(name, PUBLISHER, "c", tuple(classes), Decimal(price), NO_VAT)


def read_spike(victim, lines, spikes, month=(BEFORE, SPLIT)):
    victim.schedules = Schedules([calendar(*spikes)])
    return victim.ask(victim.sign(tariff(energy=lines)), *month)


def one_quarter_hour(victim):
    """A class of one quarter-hour, at 10 €/kWh: a cent a Wh."""
    said = read_spike(victim, (on("s", "s", "10"),), [(TARGET, FIRST_Q, LAST_Q)])
    return said and int(said.total * 100)


def two_lines_that_differ_by_it(victim):
    """Two lines at the same price, of which one leaves the quarter-hour out."""
    lines = (on("all", "so", "0.2"), on("but one", "o", "0"))
    said = read_spike(victim, lines, [(TARGET, FIRST_Q, LAST_Q)])
    return said and said.quantities and said.quantities[0] - said.quantities[1]


def prices_that_cancel(victim):
    """Ten euros on everything, and minus ten on everything else."""
    lines = (on("all", "so", "10"), on("but one", "o", "-10"))
    said = read_spike(victim, lines, [(TARGET, FIRST_Q, LAST_Q)])
    return said and int(said.total * 100)


QUARTER_HOUR_ATTACKS = (one_quarter_hour, two_lines_that_differ_by_it, prices_that_cancel)


@pytest.fixture(scope="module")
def home():
    return Household((simple_tariff(),), START, END, np.random.default_rng(7))


def without_rules(names):
    stack = ExitStack()
    for name in names:
        stack.enter_context(RULES[name]())
    return stack


def truth(victim):
    return victim.kwh([TARGET])


@pytest.mark.parametrize("consent", [Consent.LINES, Consent.TOTAL])
@pytest.mark.parametrize("attack", DAY_ATTACKS, ids=lambda attack: attack.__name__)
def test_no_day_is_read(home, attack, consent):
    assert attack(Victim(home, consent)) is None


@pytest.mark.parametrize("attack", DAY_ATTACKS, ids=lambda attack: attack.__name__)
def test_each_rule_is_enough_alone(home, attack):
    rules = DAY_ATTACKS[attack]
    for kept in rules:
        with without_rules(set(rules) - {kept}):
            assert attack(Victim(home)) is None, kept


@pytest.mark.parametrize("attack", DAY_ATTACKS, ids=lambda attack: attack.__name__)
def test_with_its_rules_taken_out_each_attack_reads_the_day(home, attack):
    victim = Victim(home)
    assert truth(victim) > 0
    with without_rules(DAY_ATTACKS[attack]):
        assert attack(victim) == truth(victim)


@pytest.mark.parametrize("consent", [Consent.LINES, Consent.TOTAL])
@pytest.mark.parametrize("attack", QUARTER_HOUR_ATTACKS, ids=lambda attack: attack.__name__)
def test_no_quarter_hour_is_read(home, attack, consent):
    victim = Victim(home, consent)
    assert attack(victim) is None
    assert victim.judgements[0].findings == (Finding.PRICE_STANDS_OUT,)


@pytest.mark.parametrize("attack", QUARTER_HOUR_ATTACKS, ids=lambda attack: attack.__name__)
def test_with_the_rule_taken_out_each_reads_the_quarter_hour(home, attack):
    victim = Victim(home)
    with without_rules(["spread"]):
        assert attack(victim) == victim.wh(TARGET, FIRST_Q, LAST_Q)


@pytest.mark.parametrize(
    ("spikes", "is_answered"),
    [
        ([(TARGET, 0, 32)], False),  # eight hours of one day
        ([(TARGET + n * ONE_DAY, 0, 16) for n in range(2)], False),  # of two days
        ([(TARGET + n * ONE_DAY, 0, 10) for n in range(3)], False),  # seven and a half hours
        ([(TARGET + n * ONE_DAY, 0, 11) for n in range(3)], True),
        ([(day, 0, 96) for day in days_between(BEFORE, SPLIT) if day != TARGET], False),
    ],
)
def test_what_stands_apart_needs_eight_hours_and_three_days(home, spikes, is_answered):
    victim = Victim(home)
    said = read_spike(victim, (on("s", "s", "0.2"), on("o", "o", "0.1")), spikes)
    assert (said is not None) == is_answered


def test_the_hour_that_comes_twice_is_no_class(home):
    twice = date(2026, 10, 25)
    victim = Victim(home)
    spikes = [(twice, 8, 12)]
    assert read_spike(victim, (on("s", "s", "1"),), spikes, (SPLIT, AFTER)) is None


# What the chip says is the same for everybody who asks the same.


def test_the_same_request_again_has_the_same_answer_and_no_second_receipt(home):
    victim = Victim(home)
    deal = victim.sign(tariff())
    statement = victim.statement(deal, victim.request(deal, BEFORE, SPLIT))
    first, again = victim.answer(deal, statement), victim.answer(deal, statement)
    assert first is not None
    assert again is None
    assert victim.judgements[0] == victim.judgements[1]
    assert victim.why is Hold.COVERED


def test_a_statement_tuned_until_a_receipt_comes_is_answered_twice_at_most(home):
    victim = Victim(home)
    deal = victim.sign(tariff())
    for guess in range(4):
        statement = victim.statement(deal, victim.request(deal, BEFORE, SPLIT))
        (line,) = statement.lines
        first = line.months[0]
        moved = msgspec.structs.replace(
            first, quantity=(first.quantity + (guess + 1) * (Q >> 37)) % Q
        )
        line = msgspec.structs.replace(line, months=(moved, *line.months[1:]))
        assert victim.answer(deal, msgspec.structs.replace(statement, lines=(line,))) is None
        assert victim.judgements[-1].verdict is Verdict.DIFFERS
    assert victim.ask(deal, BEFORE, SPLIT) is None
    assert victim.why is Hold.ASKED


def test_a_last_period_may_be_shorter_once_where_the_contract_was_not(home):
    victim = Victim(home)
    deal = victim.sign(tariff(), start=BEFORE, end=SPLIT + 3 * ONE_DAY)
    assert victim.ask(deal, BEFORE, SPLIT) is not None
    assert victim.ask(deal, SPLIT, SPLIT + 3 * ONE_DAY) is not None


# Market series.


def series(publisher):
    first, end = quarter_range(START)[0], quarter_range(END)[0]
    wanted = quarter_range(TARGET)[0] + FIRST_Q
    prices = tuple(1_000_000 if at == wanted else 0 for at in range(first, end))
    return PriceSeries(publisher, "m", first, 1, prices)


def market(publisher):
    return (MarketLine("m", publisher, "m", Decimal(1), Decimal(0), NO_VAT),)


def test_no_market_series_reads_a_quarter_hour_whoever_publishes_it(home):
    """Not a provider's own, nor that of somebody who colludes: the receipt tells only the total."""
    victim = Victim(home, Consent.TOTAL, Schedules([series(PUBLISHER)]))
    assert victim.ask(victim.sign(tariff(energy=market(PUBLISHER))), BEFORE, SPLIT) is None
    with RULES["spread"]():
        said = victim.ask(victim.sign(tariff(energy=market(PUBLISHER))), BEFORE, SPLIT)
    assert said is not None
    assert int(said.total * 100) == victim.wh(TARGET, FIRST_Q, LAST_Q)
