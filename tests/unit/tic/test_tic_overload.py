"""A limit that the line itself keeps contradicting yields; a single false value never passes by it."""

from datetime import datetime, timedelta

import pytest

from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, Mode
from edge.tic.horodate import encode_horodate
from tests.unit.tic.tic_streams import WINTER, frame_bytes

START = datetime(2026, 1, 14, 18, 20, 30, tzinfo=WINTER)
EVERY_S = 10
# 5.4 kVA for ten seconds, where 3 kVA are subscribed: more than half as much again.
ABOVE_WH = 15


def frame(n: int, east_wh: int, *, kva: int = 3) -> Frame:
    at = START + timedelta(seconds=EVERY_S * n)
    groups = [
        ("ADSC", "041876543210", None),
        ("DATE", "", encode_horodate(at)),
        ("EAST", f"{east_wh:09}", None),
        ("EASF01", f"{east_wh:09}", None),
        ("PREF", f"{kva:02}", None),
    ]
    (found,) = Decoder().feed(frame_bytes(Mode.STANDARD, groups))
    return found


def passed(check: ConsistencyCheck, n: int, east_wh: int, *, kva: int = 3) -> bool:
    return "EAST" in check.check(frame(n, east_wh, kva=kva)).groups


def test_registers_that_keep_rising_above_the_limit_are_believed_within_a_minute():
    check = ConsistencyCheck()
    seen = [passed(check, n, 17_000_000 + ABOVE_WH * n) for n in range(60)]
    assert seen[6:] == [True] * 54
    assert check.has_limit_yielded


def test_an_overload_that_begins_on_a_line_that_is_followed_is_believed_too():
    check = ConsistencyCheck()
    assert [passed(check, n, 1_000) for n in range(3)] == [False, True, True]
    seen = [passed(check, 3 + n, 1_000 + ABOVE_WH * (n + 1)) for n in range(20)]
    assert seen[6:] == [True] * 14


def test_frames_that_leap_are_not_believed_however_many_come():
    check = ConsistencyCheck()
    assert [passed(check, n, 1_000) for n in range(3)] == [False, True, True]
    # 36 kVA and half as much again count 150 Wh in ten seconds.
    assert not any(passed(check, 3 + n, 10_000 + 1_000 * n) for n in range(50))


@pytest.mark.parametrize("false_wh", [100_000, 1_200, 999])
def test_a_single_false_value_is_held_back_after_the_limit_has_yielded(false_wh):
    check = ConsistencyCheck()
    for n in range(20):
        passed(check, n, 1_000 + ABOVE_WH * n)
    assert not passed(check, 20, (1_000 + ABOVE_WH * 19) + false_wh if false_wh > 999 else false_wh)
    assert passed(check, 21, 1_000 + ABOVE_WH * 21)


def test_another_subscribed_power_sets_the_limit_anew():
    check = ConsistencyCheck()
    for n in range(20):
        passed(check, n, 1_000 + ABOVE_WH * n)
    assert check.has_limit_yielded
    east_wh = 1_000 + ABOVE_WH * 19
    for n in range(20, 24):
        passed(check, n, east_wh, kva=6)
    assert not check.has_limit_yielded
    assert not passed(check, 24, east_wh + 140, kva=6)
