"""What plain fields of messages may hold: times, texts, topics."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from protocol.errors import DocumentRefused, MessageRefused
from protocol.letters import TEXT_MAX_BYTES, check_text
from protocol.status import State, Status, decode_status, encode_status, whole_hour
from protocol.topics import area_topic

PARIS_SUMMER = timezone(timedelta(hours=2))


def test_a_time_is_told_by_the_hour():
    at = datetime(2026, 7, 1, 14, 59, 59, 999_999, PARIS_SUMMER)
    assert whole_hour(at) == datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("year", [1970, 2199])
def test_a_status_of_another_century_is_refused(year):
    status = Status(state=State.READY, at=datetime(year, 1, 1, tzinfo=UTC))
    with pytest.raises(MessageRefused, match="century"):
        decode_status(encode_status(status))


def test_figures_have_a_topic_for_each_group():
    assert area_topic("ville", "curve", "38185") == "volet/v1/ville/area/curve/38185"


@pytest.mark.parametrize("text", ["a", "a\nb", "é" * (TEXT_MAX_BYTES // 2)])
def test_a_letter_holds_lines_of_text(text):
    check_text(text)


@pytest.mark.parametrize("text", ["", " \n", "a\x07", "a\nb\x1b[0m\nc", "a" * (TEXT_MAX_BYTES + 1)])
def test_a_letter_without_text_or_with_anything_else_is_refused(text):
    with pytest.raises(DocumentRefused):
        check_text(text)
