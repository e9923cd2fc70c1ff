"""`volet trustee status` shows the trustee sets and the months, without a secret."""

from contextlib import closing
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.area_cipher import month_number
from protocol.calendar import day_number
from protocol.governance import fingerprint
from protocol.measures import DEADLINE_MAX_H
from protocol.seeds import closing_day, first_open_month
from tests.support.trustee_area import DAY
from tests.support.trustee_place import TrusteePlace, run
from trustee.log import TrusteeLog


@pytest.fixture
def place(tmp_path, monkeypatch):
    return TrusteePlace(tmp_path, monkeypatch)


@given(
    st.dates(date(2020, 1, 1), date(2040, 1, 1)).map(day_number).map(month_number),
    st.integers(1, DEADLINE_MAX_H),
)
def test_a_month_closes_on_the_first_day_on_which_it_is_not_open(month, deadline_h):
    day = closing_day(month, deadline_h)
    assert first_open_month(day - 1, deadline_h) == month
    assert first_open_month(day, deadline_h) > month


def test_status_shows_the_set_in_force_and_one_that_is_announced(place):
    later = place.next_set(DAY + 10)
    place.runs(cosigned=[later])
    first = {
        "version": 1,
        "fingerprint": fingerprint(place.area.signed_set),
        "shape": "3 of 4",
        "effective": "2026-03-05",
        "is_in_force": True,
    }
    second = first | {
        "version": 2,
        "fingerprint": fingerprint(later),
        "effective": "2026-03-20",
        "is_in_force": False,
    }
    assert place.status()["sets"] == [first, second]
    shown = " ".join(run("status", "--dir", place.directory).split())
    assert "in force from" in shown
    assert "announced, from" in shown


def test_a_set_that_was_followed_is_shown_while_measures_name_it(place):
    later = place.next_set(DAY + 10)
    place.runs(cosigned=[later])
    place.area.today = DAY + 10
    assert [each["is_in_force"] for each in place.status()["sets"]] == [True, True]
    place.area.today = DAY + 365  # the end of the measures
    assert [each["version"] for each in place.status()["sets"]] == [2]


def test_status_shows_the_months_with_a_sealing_key_and_those_that_are_closed(place):
    place.runs()
    march, april = ("2026-03", "2026-04-13"), ("2026-04", "2026-05-13")
    shown = place.status()
    assert shown["closed_before"] == "2026-02"
    assert [tuple(each.values()) for each in shown["sealing_keys"]][1:] == [march, april]
    place.area.today = day_number(date(2026, 4, 13))
    assert "was to be deleted" in " ".join(run("status", "--dir", place.directory).split())
    place.runs(teaches=False)
    shown = place.status()
    assert shown["closed_before"] == "2026-04"
    assert [each["month"] for each in shown["sealing_keys"]] == ["2026-04", "2026-05"]


def test_status_names_no_day_for_a_key_without_measures_and_shows_no_secret(place):
    place.runs(teaches=False)
    assert {each["closes_on"] for each in place.status()["sealing_keys"]} == {None}
    with closing(TrusteeLog.open(place.directory)) as kept:
        secrets = [key.hex() for key in kept.sealing_keys().values()]
    shown = run("status", "--dir", place.directory, "--json")
    assert not any(secret in shown for secret in secrets)
