"""Which register or price counts on a quarter-hour, where one document follows another."""

from datetime import date

import pytest

from protocol.schedule import Calendar, Run, ScheduleMissing, Schedules, quarter_range
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
