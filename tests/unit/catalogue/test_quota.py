"""One provider cannot fill the list, which every chip keeps."""

from datetime import timedelta

import msgspec
import pytest

from protocol.catalogue import Catalogue
from protocol.errors import DocumentRefused
from protocol.quota import YEAR, YEAR_DOCUMENTS_MAX, YEAR_MAX_BYTES, Quota
from protocol.schedule import PriceSeries
from tests.support.listing import TODAY, Provider, Publisher

LENGTH = 12_000


def series(publisher, number):
    return publisher.sign(
        PriceSeries(publisher.name, f"s{number}", 2_000_000, 1, (100_000 + number,) * LENGTH)
    )


def test_no_provider_lists_more_bytes_than_its_quota_of_a_year():
    catalogue, greedy = Catalogue(), Publisher()
    fitting = YEAR_MAX_BYTES // len(msgspec.msgpack.encode(series(greedy, 0)))
    for number in range(fitting):
        catalogue.admit(series(greedy, number), TODAY)
    with pytest.raises(DocumentRefused, match="within a year"):
        catalogue.admit(series(greedy, fitting), TODAY)
    catalogue.admit(Provider("Honest").offer(), TODAY)
    catalogue.admit(series(greedy, fitting), TODAY + YEAR)


def test_no_key_lists_more_documents_than_its_quota_of_a_year():
    quota = Quota()
    for _ in range(YEAR_DOCUMENTS_MAX):
        quota.check(1, TODAY)
        quota.take(1, TODAY)
    with pytest.raises(DocumentRefused, match="within a year"):
        quota.check(1, TODAY + YEAR - timedelta(days=1))
    quota.check(1, TODAY + YEAR)
