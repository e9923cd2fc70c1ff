"""Random usages over all options, powers and grids: encrypted, summed, opened = plain."""

import os
import random
from datetime import date, timedelta

import msgspec
import pytest

import volet.price.encrypted as path
from protocol.errors import BoundExceeded, CipherError
from tariffs.grids import REGISTERS, GridOption, grids
from tariffs.price import parts_of, plain_energies, price_usage
from tariffs.usage import parse_usage
from volet.price.encrypted import EncryptedPath

FIRST, LAST = date(2024, 2, 1), date(2026, 12, 1)
USAGES = 25
USAGES_LONG = 10_000
EVERY_PRICE = [
    (grid, option, row.kva)
    for grid in grids()
    for option in GridOption
    for row in grid.options[option].subscriptions
]


def usage_of(rng, option, kva, start, days, kwh_max=9_000):
    index = {}
    for register in REGISTERS[option]:
        first = rng.randrange(10**9)
        index[register] = [first, first + rng.randrange(kwh_max * 1000)]
    fields = {
        "option": option,
        "kva": kva,
        "from": start,
        "to_exclusive": start + timedelta(days=days),
        "index_wh": index,
    }
    return parse_usage(msgspec.json.encode(fields), "usage")


def random_usage(rng, number):
    """Draw a usage; one after the other they go through every grid, option and power."""
    grid, option, kva = EVERY_PRICE[number % len(EVERY_PRICE)]
    ends = [each.valid_from for each in grids() if each.valid_from > grid.valid_from]
    span = ((ends[0] if ends else LAST) - grid.valid_from).days
    start = grid.valid_from + timedelta(days=rng.randrange(span))
    days = rng.choice([1, rng.randrange(1, 15), rng.randrange(1, 70)])
    return usage_of(rng, option, kva, start, days)


def assert_equal(encrypted, usage):
    parts = parts_of(usage)
    plain = price_usage(usage, parts, plain_energies(parts))
    assert price_usage(usage, parts, encrypted.energies(parts)) == plain


def run(usages, seed):
    rng = random.Random(seed)
    encrypted = EncryptedPath()
    for number in range(usages):
        assert_equal(encrypted, random_usage(rng, number * 7))


def test_encrypted_equals_plain_on_random_usages():
    run(USAGES, 20_260_101)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_encrypted_equals_plain_on_ten_thousand_random_usages():
    run(int(os.environ.get("VOLET_USAGES", USAGES_LONG)), 4)


def test_the_random_usages_reach_every_grid_option_and_power():
    rng = random.Random(1)
    drawn = {
        (usage.option, usage.kva, parts_of(usage)[0].grid.name)
        for usage in (random_usage(rng, number * 7) for number in range(len(EVERY_PRICE)))
    }
    assert len(drawn) == len(EVERY_PRICE)


def test_a_usage_of_years_takes_several_statements():
    usage = usage_of(random.Random(2), GridOption.TEMPO, 9, FIRST, 1000, kwh_max=60_000)
    assert_equal(EncryptedPath(), usage)


def test_more_than_a_day_can_carry_is_refused_encrypted():
    usage = parse_usage(
        msgspec.json.encode(
            {
                "option": "base",
                "kva": 6,
                "from": FIRST,
                "to_exclusive": FIRST + timedelta(days=1),
                "index_wh": {"base": [0, 65_536_000]},
            }
        ),
        "usage",
    )
    with pytest.raises(BoundExceeded, match="65535 a day"):
        EncryptedPath().energies(parts_of(usage))


def test_an_altered_sum_does_not_pass_for_a_bill(monkeypatch):
    honest = path.compute

    def dearer(*arguments):
        statement = honest(*arguments)
        line = statement.lines[0]
        month = line.months[0]
        moved = msgspec.structs.replace(month, quantity=month.quantity ^ 1 << 58)
        line = msgspec.structs.replace(line, months=(moved, *line.months[1:]))
        return msgspec.structs.replace(statement, lines=(line, *statement.lines[1:]))

    monkeypatch.setattr(path, "compute", dearer)
    usage = usage_of(random.Random(3), GridOption.BASE, 6, FIRST, 30)
    with pytest.raises(CipherError, match="quantity_differs"):
        EncryptedPath().energies(parts_of(usage))


def test_the_encrypted_path_takes_nothing_from_plain_counting(monkeypatch):
    def forbidden(*_arguments):
        raise AssertionError("counted plainly")

    monkeypatch.setattr("tariffs.price.plain_energies", forbidden)
    monkeypatch.setattr("tariffs.price.register_energies", forbidden)
    usage = usage_of(random.Random(4), GridOption.EJP, 12, FIRST, 40)
    assert EncryptedPath().energies(parts_of(usage))


@pytest.mark.parametrize("days_before", [1, 2, 58])
def test_a_change_of_grid_may_leave_a_day_on_either_side(days_before):
    start = date(2026, 2, 1) - timedelta(days=days_before)
    usage = usage_of(random.Random(5), GridOption.HPHC, 6, start, 59)
    assert [(part.end - part.start).days for part in parts_of(usage)] == [
        days_before,
        59 - days_before,
    ]
    assert_equal(EncryptedPath(), usage)
