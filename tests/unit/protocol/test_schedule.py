"""Which register or price counts on a quarter-hour, where one document follows another."""

import hashlib
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from protocol.errors import DocumentRefused
from protocol.schedule import (
    Calendar,
    PriceSeries,
    Run,
    ScheduleMissing,
    Schedules,
    quarter_range,
    schedule_hash,
)
from protocol.tariff import CalendarLine
from tests.support.listing import OFF_PEAK, PEAK, Publisher

DAY = date(2026, 10, 25)


def test_registers_of_a_day_on_which_two_documents_meet():
    publisher = Publisher()
    first, end = quarter_range(DAY)
    middle = first + 40
    morning = (Run(first, 0), Run(first + 24, 1))
    evening = (Run(middle, 1), Run(end - 4, 0))
    documents = [
        Calendar(publisher.name, "nights", (OFF_PEAK, PEAK), runs, until)
        for runs, until in ((morning, middle), (evening, end))
    ]
    registers = Schedules(documents).registers(publisher.registers_by_calendar(), DAY)
    assert registers.tolist() == [1] * 24 + [2] * 72 + [1] * 4
    for each in documents:
        with pytest.raises(ScheduleMissing):
            Schedules([each]).registers(publisher.registers_by_calendar(), DAY)


def test_a_document_is_named_by_its_own_hash():
    publisher = Publisher()
    first, end = quarter_range(DAY)
    one, other = (
        Calendar(publisher.name, name, (OFF_PEAK, PEAK), (Run(first, 0),), end)
        for name in ("one", "other")
    )
    assert schedule_hash(one) == hashlib.sha256(msgspec.msgpack.encode(one)).digest()
    assert schedule_hash(one) != schedule_hash(other)
    line = CalendarLine("l", publisher.name, "one", (PEAK,), Decimal(1), Decimal(0))
    assert Schedules([one, other]).hashes(line, [DAY]) == {schedule_hash(one)}


def test_a_name_is_a_calendar_or_a_series():
    publisher = Publisher()
    first, end = quarter_range(DAY)
    calendar = Calendar(publisher.name, "both", (OFF_PEAK, PEAK), (Run(first, 0),), end)
    series = PriceSeries(publisher.name, "both", end, 1, (10_000,) * 96)
    with pytest.raises(DocumentRefused, match="both is both a calendar and a series"):
        Schedules([calendar, series])
