"""One provider cannot fill the list, which every chip keeps."""

from datetime import timedelta

import pytest

from protocol.catalogue import Catalogue
from protocol.errors import DocumentRefused
from protocol.schedule import PriceSeries
from tests.support.listing import TODAY, Provider, Publisher

LENGTH = 12_000


def series(publisher, number):
    return publisher.sign(
        PriceSeries(publisher.name, f"s{number}", 2_000_000, 1, (100_000 + number,) * LENGTH)
    )


@pytest.mark.xfail(strict=True, reason="the public list has no quota")
def test_no_provider_lists_more_bytes_than_its_quota_of_a_year():
    catalogue, greedy = Catalogue(), Publisher()
    with pytest.raises(DocumentRefused, match="year"):
        for number in range(60):
            catalogue.admit(series(greedy, number), TODAY)
    catalogue.admit(Provider("Honest").offer(), TODAY)
    catalogue.admit(series(greedy, 60), TODAY + timedelta(days=366))
