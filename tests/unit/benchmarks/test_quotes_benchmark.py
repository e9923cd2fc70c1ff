"""The benchmark of quotes runs, and notices a wrong sum."""

import pytest

from benchmarks import quotes
from cloud.billing import quotes as cloud_quotes

TINY = 0.001


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(quotes, "PEER", (4096, 20))


@pytest.mark.long
def test_a_year_is_priced_under_forty_tariffs_and_set_against_the_plain_way():
    rows = {row.name: row for row in quotes.run(TINY)}
    assert rows["quotes for a household's year"].value > 0
    assert rows["the answer on the wire"].value == pytest.approx(4_016, abs=32)
    assert rows["bfv_vector N=4096 / ours: quotes"].value > 1


@pytest.mark.long
def test_a_wrong_sum_is_noticed(monkeypatch):
    right = cloud_quotes.column_sums
    monkeypatch.setattr(
        cloud_quotes, "column_sums", lambda m, c: [s + (1 << 40) for s in right(m, c)]
    )
    with pytest.raises(AssertionError):
        quotes.run(TINY)
