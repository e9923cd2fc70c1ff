from datetime import UTC, datetime, timedelta

import pytest

from edge.tic.consistency import ConsistencyCheck, InstallationLimits
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from edge.tic.groups import GroupRefusal
from edge.tic.horodate import encode_horodate
from tests.unit.tic.tic_streams import WINTER, frame_bytes

START = datetime(2026, 1, 14, 18, 20, 30, tzinfo=WINTER)
SERIAL = "041876543210"


def standard(
    second: float,
    east_wh: int,
    *,
    serial: str = SERIAL,
    has_date: bool = True,
    calendar: str = "BASE",
) -> Frame:
    at = START + timedelta(seconds=second)
    date = [("DATE", "", encode_horodate(at))] if has_date else []
    groups = [
        ("ADSC", serial, None),
        *date,
        ("NGTF", f"{calendar:^16}", None),
        ("EAST", f"{east_wh:09}", None),
        ("PREF", "06", None),
        ("SINSTS", "00240", None),
    ]
    (frame,) = Decoder().feed(frame_bytes(Mode.STANDARD, groups))
    return frame


def historique(base_wh: int) -> Frame:
    groups = [("ADCO", SERIAL, None), ("ISOUSC", "30", None), ("BASE", f"{base_wh:09}", None)]
    (frame,) = Decoder().feed(frame_bytes(Mode.HISTORIQUE, groups))
    return frame


@pytest.fixture
def check() -> ConsistencyCheck:
    """A check that trusts EAST 1000 at second 1."""
    check = ConsistencyCheck()
    check.check(standard(0, 1000))
    assert check.check(standard(1, 1000)).is_complete
    return check


def test_first_values_are_held_until_a_second_frame_agrees():
    check = ConsistencyCheck()
    first = check.check(standard(0, 1000))
    assert set(first.groups) == {"SINSTS"}
    assert not first.is_complete
    assert set(check.check(standard(1, 1000)).groups) >= {"ADSC", "DATE", "EAST", "PREF"}


def test_a_first_value_that_was_wrong_is_never_handed_on():
    check = ConsistencyCheck()
    frames = [standard(0, 900_000_000), *(standard(n, 1000) for n in range(1, 5))]
    values = [check.check(frame).groups.get("EAST") for frame in frames]
    assert [group.value for group in values if group] == ["000001000"] * 3


@pytest.mark.parametrize("wrong_wh", [0, 999, 1007, 10_000, 900_000_000])
def test_a_register_that_falls_or_rises_too_fast_is_held_and_the_next_one_passes(check, wrong_wh):
    held = check.check(standard(2, wrong_wh))
    assert "EAST" not in held.groups
    assert held.rejected[-1].reason == GroupRefusal.IMPLAUSIBLE
    assert check.check(standard(3, 1001)).groups["EAST"].value == "000001001"


def test_the_highest_rise_the_installation_can_draw_passes(check):
    # 6 kVA, half as much again in overload: 2.5 Wh a second.
    assert "EAST" in check.check(standard(61, 1000 + 150)).groups


def test_a_rise_over_a_power_cut_is_measured_by_the_time_that_passed(check):
    assert "EAST" in check.check(standard(3000, 1000 + 2000)).groups


def test_a_replaced_meter_is_believed_after_it_has_been_borne_out(check):
    seen = [check.check(standard(n, 5, serial="041876000001")) for n in range(2, 7)]
    assert ["EAST" in frame.groups for frame in seen] == [False, False, True, True, True]
    assert ["ADSC" in frame.groups for frame in seen] == [False, False, True, True, True]


def test_registers_wait_with_a_calendar_that_is_in_question(check):
    seen = [check.check(standard(n, 1000 + n, calendar="TEMPO")) for n in range(2, 6)]
    assert ["NGTF" in frame.groups for frame in seen] == [False, False, True, True]
    assert ["EAST" in frame.groups for frame in seen] == [False, False, True, True]
    assert seen[0].rejected[-1].reason == GroupRefusal.IMPLAUSIBLE


def test_noise_on_a_calendar_costs_its_frame_only(check):
    assert "EAST" not in check.check(standard(2, 1001, calendar="TEMPO")).groups
    assert check.check(standard(3, 1002)).is_complete


def test_a_calendar_that_is_another_one_in_each_frame_does_not_keep_registers_for_good(check):
    seen = [check.check(standard(n, 1000 + n, calendar=f"HC {n}")) for n in range(2, 30)]
    assert not any("NGTF" in frame.groups for frame in seen)
    assert sum("EAST" not in frame.groups for frame in seen) == 10


def test_noise_that_never_repeats_is_never_believed(check):
    for n in range(2, 50):
        wrong = check.check(standard(n, 500_000_000 - n * 1_000_000))
        assert "EAST" not in wrong.groups


def test_a_frame_that_lost_its_date_is_timed_by_the_one_before(check):
    assert "EAST" in check.check(standard(2, 1002, has_date=False)).groups
    assert "EAST" not in check.check(standard(3, 1100, has_date=False)).groups


def test_a_clock_that_jumps_is_held_until_borne_out(check):
    jumped = [check.check(standard(86_400 + n, 1000)) for n in range(3)]
    assert ["DATE" in frame.groups for frame in jumped] == [False, False, True]


def test_a_clock_that_skips_or_repeats_a_second_passes(check):
    for second in (1, 1, 3, 4):
        assert "DATE" in check.check(standard(second, 1000)).groups


def test_without_a_clock_registers_must_not_fall():
    check = ConsistencyCheck()
    seen = [check.check(historique(wh)) for wh in (1000, 1000, 500_000, 499_999)]
    assert ["BASE" in frame.groups for frame in seen] == [False, True, True, False]


def test_in_historique_the_time_of_reception_bounds_the_rise():
    check = ConsistencyCheck()
    now = datetime(2026, 1, 14, 17, tzinfo=UTC)
    times = [now + timedelta(seconds=2 * n) for n in range(4)]
    frames = [historique(wh) for wh in (1000, 1001, 1100, 1003)]
    seen = [check.check(frame, at) for frame, at in zip(frames, times, strict=True)]
    assert ["BASE" in frame.groups for frame in seen] == [False, True, False, True]


def test_the_subscribed_power_can_be_given():
    check = ConsistencyCheck(InstallationLimits(subscribed_power_va=36_000))
    for second, east_wh in ((0, 1000), (1, 1000)):
        check.check(standard(second, east_wh))
    assert "EAST" in check.check(standard(2, 1015)).groups


def test_values_that_change_at_will_pass(check):
    assert "SINSTS" in check.check(standard(2, 0)).groups
