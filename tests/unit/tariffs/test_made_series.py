"""Market series from CSV: hours and quarter-hours, UTC and legal time, negative prices."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.catalogue import Catalogue
from protocol.contract import sign_document
from protocol.errors import DocumentRefused
from protocol.schedule import quarter_number
from tariffs.series import make_series, read_prices

KEY = bytes(32)


def series_of(text):
    rows = read_prices(text, "prices.csv")
    return make_series(KEY, "spot", rows, "prices.csv", "somewhere")


def test_hourly_prices_in_utc_negative_ones_too():
    (series,) = series_of(
        "start,EUR/MWh\n2026-01-01T00:00Z,80.10\n2026-01-01T01:00Z,-12.5\n2026-01-01T02:00+00:00,0\n"
    )
    assert series.start == quarter_number(datetime(2026, 1, 1, tzinfo=UTC))
    assert (series.step, series.prices, series.source) == (4, (8010, -1250, 0), "somewhere")
    assert series.values().tolist() == [8010] * 4 + [-1250] * 4 + [0] * 4


def test_quarter_hourly_prices_with_decimal_commas():
    (series,) = series_of("2026-01-01T00:00Z;80,1\n2026-01-01T00:15Z;-0,01\n")
    assert (series.step, series.prices) == (1, (8010, -1))


def test_legal_time_runs_on_through_both_changes_of_clocks():
    autumn = "".join(
        f"2026-10-25T{hour:02}:00,{price}\n"
        for price, hour in enumerate([0, 1, 2, 2, *range(3, 24)])
    )
    (series,) = series_of(autumn)
    assert series.start == quarter_number(datetime(2026, 10, 24, 22, tzinfo=UTC))
    assert series.prices == tuple(100 * price for price in range(25))
    quarters = "".join(
        f"2026-10-25T{hour:02}:{minute:02},1\n"
        for hour in (1, 2, 2, 3)
        for minute in (0, 15, 30, 45)
    )
    assert len(series_of(quarters)[0].prices) == 16
    spring = "".join(f"2026-03-29T{hour:02}:00,1\n" for hour in (0, 1, 3, 4))
    assert len(series_of(spring)[0].prices) == 4


def test_a_year_of_quarter_hours_becomes_documents_that_can_all_be_listed():
    first = datetime(2026, 1, 1, tzinfo=UTC)
    text = "".join(
        f"{first + timedelta(minutes=15 * n):%Y-%m-%dT%H:%MZ},-9999.99\n" for n in range(35_040)
    )
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    made = make_series(public, "spot", read_prices(text, "p"), "p")
    assert len(made) == 3
    catalogue = Catalogue()
    for series in made:
        catalogue.admit(sign_document(series, key), first.date())
    assert [later.start for later in made[1:]] == [earlier.end for earlier in made[:-1]]
    assert sum(len(series.prices) for series in made) == 35_040
    assert all(msgspec.msgpack.encode(series) for series in made)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at least two prices"),
        ("2026-01-01T00:00Z,1\n", "at least two prices"),
        ("2026-01-01T00:00Z,1\n2026-01-01T01:00Z\n", "line 2 needs an instant and a price"),
        ("2026-01-01T00:00Z,1\nnoon,1\n", "line 2: 'noon' is no instant"),
        ("2026-01-01T00:00Z,1\n2026-01-01T01:00Z,dear\n", "line 2: 'dear' is no price"),
        ("2026-01-01T00:00Z,1\n2026-01-01T01:00Z,1.234\n", "line 2: 1.234 €/MWh has more than 2"),
        ("2026-01-01T00:00Z,1\n2026-01-01T01:00Z,10485.76\n", "line 2: 10485.76 €/MWh is too high"),
        ("2026-01-01T00:00Z,1\n2026-01-01T01:00Z,nan\n", "line 2: nan €/MWh has more than 2"),
        ("2026-01-01T00:00Z,1\n2026-01-01T00:30Z,1\n", "line 2 lies 0:30:00 after"),
        ("2026-01-01T00:05Z,1\n2026-01-01T01:05Z,1\n", "line 1 does not begin a quarter-hour"),
        (
            "2026-01-01T00:00Z,1\n2026-01-01T01:00Z,1\n2026-01-01T03:00Z,1\n",
            "line 3 is 2026-01-01T03:00Z where 2026-01-01T02:00Z should follow",
        ),
        (
            "2026-01-01T00:00Z,1\n2026-01-01T01:00Z,1\n2026-01-01T01:00Z,1\n",
            "line 3 is 2026-01-01T01:00Z where",
        ),
    ],
)
def test_prices_that_cannot_be_are_refused_with_their_line(text, said):
    with pytest.raises(DocumentRefused, match=said):
        series_of(text)
