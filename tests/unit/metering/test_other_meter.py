"""Another meter on the line: set aside, dropped, or followed with all that it has shown."""

from datetime import datetime, timedelta

import pytest

from protocol.calendar import PARIS
from tests.support.metered_line import Line, LineMeter

NOON = datetime(2025, 1, 10, 12, tzinfo=PARIS)


@pytest.mark.xfail(
    strict=True, reason="an hour of another meter is billed, the first one's is lost"
)
def test_after_an_hour_of_another_meter_the_first_goes_on_from_its_last_billed_index():
    own = LineMeter([5_000_000])
    other = LineMeter([900_000], serial="021661000002")
    line = Line()
    line.send(own, NOON, frames=4)
    line.send(other, NOON + timedelta(minutes=5), frames=4)
    other.count(9_000)
    line.send(other, NOON + timedelta(minutes=55), frames=4)
    own.count(7_000)
    line.send(own, NOON + timedelta(hours=1), frames=4)
    line.send(own, NOON + timedelta(days=1), frames=4)
    assert line.steps_kwh() == {(own.serial, "BASE"): [7, 0]}
    assert line.curve_wh() == 7_000
