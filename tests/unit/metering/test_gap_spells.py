"""A spell of gaps and its end, over a restart of the chip."""

from datetime import UTC, datetime

from edge.metering.events import NoticeKind
from tests.support.metering_machine import MeteringMachine

START = datetime(2025, 1, 31, 20, 7, 13, tzinfo=UTC)
NO_LULL = ("none", 0, 0, 0)


def test_a_line_that_has_recovered_reports_the_next_gap_though_the_chip_restarts_at_once():
    machine = MeteringMachine()
    machine.begin(
        start=START, calendar="BASE", below_wrap_wh=500_000, is_historique=False, other_wh=400_000
    )
    machine.time_passes(span_s=3_600, pace_s=60, power_va=6_000)
    machine.line_is_silent(span_s=1_800, power_va=1_200)
    machine.time_passes(span_s=3_720, pace_s=60, power_va=6_000)  # no quarter-hour ends at last
    machine.chip_restarts(lull=NO_LULL)
    machine.line_is_silent(span_s=7_200, power_va=1_200)
    notices = machine.home.expected._notices
    count = len(notices)
    machine.time_passes(span_s=600, pace_s=60, power_va=6_000)
    assert notices[count:] == [NoticeKind.GAP]
    machine.teardown()
