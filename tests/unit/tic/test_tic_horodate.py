from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tic.horodate import civil_time, encode_horodate

OFFSETS = st.sampled_from([timezone(timedelta(hours=1)), timezone(timedelta(hours=2))])
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=OFFSETS)  # noqa: DTZ001


@given(INSTANTS, st.booleans())
def test_an_instant_survives_the_way_through_a_horodate(at, is_degraded):
    at = at.replace(microsecond=0)
    assert civil_time(encode_horodate(at, is_degraded=is_degraded)) == at


def test_the_hour_that_occurs_twice_is_told_apart_by_the_season():
    summer = civil_time("E251026020000")
    winter = civil_time("H251026020000")
    assert summer is not None
    assert winter is not None
    assert summer.astimezone(UTC) == datetime(2025, 10, 26, 0, tzinfo=UTC)
    assert winter - summer == timedelta(hours=1)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "H",
        "260114182030",
        "H26011418203",
        "H2601141820300",
        "X260114182030",
        "H261314182030",
        "H260100182030",
        "H260229182030",
        "H260114242030",
        "H260114186030",
        "H260114182060",
        "H26011418203²",
        "H26 114182030",
    ],
)
def test_what_is_no_horodate_is_none(raw):
    assert civil_time(raw) is None


def test_a_leap_day_is_legal():
    assert civil_time("H240229000000") is not None


def test_a_blank_season_gives_civil_time_without_offset():
    moment = civil_time(" 260114060000")
    assert moment is not None
    assert moment.isoformat() == "2026-01-14T06:00:00"


def test_other_offsets_have_no_season():
    with pytest.raises(ValueError, match="neither"):
        encode_horodate(datetime(2026, 1, 14, tzinfo=UTC))
