"""Hostile parties of each kind beside honest chips: nothing is lost, memory stays below its bounds.

How late blocks are is for the benchmark to judge: nothing here is timed.
"""

from dataclasses import replace

import pytest

from benchmarks import storm
from protocol.topics import SENT_BY_CHIPS

pytestmark = pytest.mark.usefixtures("mosquitto_available")

# What depends on the machine's load.
TIMED = ("times", "ms of a core")
ATTACKS = {
    *("chip: retained", "chip: blocks", "chip: incarnations", "chip: malformed", "chip: others"),
    *("chip: letters", "chip: quotes", "chip: subscriptions", "trustee: log lines"),
    *("provider: calls", "anybody: calls", "anybody: silent connections"),
}


def assert_held(result, chips):
    attacked = {name: each.counts for name, each in result.storm.attacked.items()}
    assert attacked.keys() == ATTACKS
    assert all(counts.total() for counts in attacked.values()), attacked
    for row in storm.rows_of(result, chips):  # which also checks that nothing was lost
        assert row.is_kept or row.unit in TIMED, row
    # Topics that the protocol does not have are refused by the broker, the rest is kept once.
    assert attacked["chip: retained"]["refused"] > 0
    assert result.retained <= len(SENT_BY_CHIPS)
    assert {"bad_signature", "malformed"} <= result.refused["worker"].keys()
    assert result.refused["trustee"]
    # Whoever calls the API is answered or turned away; nothing fails in it.
    for name in ("provider: calls", "anybody: calls"):
        assert not any(status.startswith("5") for status in attacked[name]), attacked[name]


def sent(attacked):
    """Return the kinds that hostile chips have sent, correctly signed."""
    names = ("chip: blocks", "chip: incarnations", "chip: letters", "chip: quotes", "chip: others")
    return {kind for name in names for kind, count in attacked[name].counts.items() if count}


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_short_storm_costs_nobody_a_block():
    result = storm.play(30, 20.0, 2.0, burnt_s=2.0)
    assert_held(result, 30)
    assert set(SENT_BY_CHIPS) <= sent(result.storm.attacked)
    lost = replace(result, stored=result.stored - 1)
    with pytest.raises(AssertionError, match="stored"):
        storm.rows_of(lost, 30)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_longer_storm_costs_nobody_a_block():
    assert_held(storm.play(200, 150.0, 10.0, burnt_s=10.0), 200)
