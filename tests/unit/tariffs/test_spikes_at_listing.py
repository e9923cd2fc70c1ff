"""A spike tariff is refused when it is to be listed, as far as calendars are listed before it."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.catalogue.log import OpenedLog
from cloud.store.sqlite.store import SqliteStore
from protocol.contract import sign_document
from protocol.errors import DocumentRefused
from protocol.hpke import SealingKey
from protocol.schedule import Calendar, PriceSeries, Run, quarter_range
from protocol.tariff import CalendarLine, MarketLine
from provider.service import make_offer
from tests.support.listing import register
from tests.support.tariffs import simple_tariff

TODAY = date(2026, 9, 1)
PUBLISHER, PROVIDER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEY = PUBLISHER.public_key().public_bytes_raw()


def calendar(dear_quarters):
    start, end = quarter_range(date(2026, 10, 1))[0], quarter_range(date(2026, 11, 30))[1]
    dear = quarter_range(date(2026, 11, 12))[0] + 70
    runs = (Run(start, 0), Run(dear, 1), Run(dear + dear_quarters, 0))
    return sign_document(Calendar(KEY, "town", ("usual", "dear"), runs, end), PUBLISHER)


CALENDAR_LINES = tuple(
    CalendarLine(name, KEY, "town", (name,), Decimal(price), Decimal("0.20"))
    for name, price in (("usual", "0.2"), ("dear", "0.9"))
)


def offer(energy=CALENDAR_LINES):
    tariff = simple_tariff(valid_from=date(2026, 10, 1), energy=energy)
    return make_offer([tariff], PROVIDER, SealingKey.generate())


@pytest.fixture
def listed(tmp_path):
    store = SqliteStore.open(tmp_path)
    register(store, offer())
    yield OpenedLog(store)
    store.close()


def test_an_offer_with_a_spike_is_not_listed(listed):
    listed.add(calendar(4), TODAY)
    with pytest.raises(DocumentRefused, match="In 2026-11, 4 quarter-hours are priced by dear"):
        listed.add(offer(), TODAY)
    assert len(listed.entries) == 1


def test_an_offer_whose_prices_stand_on_eight_hours_is_listed(listed):
    listed.add(calendar(32), TODAY)
    listed.add(offer(), TODAY)
    assert len(listed.entries) == 2


def test_an_offer_that_follows_a_market_with_a_spike_is_not_listed(listed):
    first, end = quarter_range(date(2026, 11, 1))[0], quarter_range(date(2026, 12, 1))[0]
    for name, apart in (("flat", 0), ("spike", 500_000)):
        prices = tuple(apart if at == first + 1_000 else 0 for at in range(first, end))
        listed.add(sign_document(PriceSeries(KEY, name, first, 1, prices), PUBLISHER), TODAY)
    line = MarketLine("spot", KEY, "spike", Decimal(1), Decimal("0.1"), Decimal("0.20"))
    with pytest.raises(DocumentRefused, match="The market price at 2026-11-11 10:00 stands out"):
        listed.add(offer((line,)), TODAY)
    listed.add(offer((msgspec.structs.replace(line, series="flat"),)), TODAY)


def test_an_offer_may_be_listed_before_its_calendar(listed):
    listed.add(offer(), TODAY)
    listed.add(calendar(4), TODAY)
    assert len(listed.entries) == 2
