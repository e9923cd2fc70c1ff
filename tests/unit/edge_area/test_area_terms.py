"""What a chip asks and publishes anew: rarely, since that costs bytes, and at once where it must."""

import pytest

from edge.mqtt.message import Connected
from protocol.calendar import day_number
from protocol.errors import Reason
from protocol.topics import Kind, parse_device_topic
from tests.support.chip_area import area_bench, make_measures
from tests.support.chip_bench import instant

START = instant(2026, 5, 10, 8)
A_DAY = 4 * 24


@pytest.fixture
def bench(tmp_path):
    made = area_bench(tmp_path, START)
    yield made
    made.kill()


def asked(bench):
    """Return how often the chip has asked anything; a document it asks for once."""
    return sum(parse_device_topic(each.topic).kind is Kind.ASK for each in bench.sent)


def test_a_household_that_contributes_asks_only_at_its_first_start(bench):
    bench.begin()
    bench.run(2 * A_DAY)
    before = asked(bench)
    bench.run(12 * A_DAY)
    bench.restart()
    bench.run(12 * A_DAY)
    assert asked(bench) == before


def test_a_start_after_ten_days_without_a_contribution_asks(bench):
    bench.begin()
    bench.run(2 * A_DAY)
    bench.box.set(is_on=False)
    bench.run(7 * A_DAY)
    before = asked(bench)
    bench.restart()
    bench.run(1)
    assert asked(bench) == before
    bench.run(4 * A_DAY)
    assert asked(bench) == before + 1
    bench.restart()
    bench.run(1)
    assert asked(bench) == before + 2


def test_a_start_without_a_roster_entry_of_this_chip_asks(bench):
    """A household that came from another chip brings its stored days, and no entry for this one."""
    bench.begin()
    bench.run(2 * A_DAY)
    before = asked(bench)
    with bench.vault.area_change() as area:
        area._database.execute("DELETE FROM area_entries")
    bench.restart()
    bench.run(1)
    assert asked(bench) == before + 1


def test_a_household_that_contributes_nothing_asks_each_ten_days(bench):
    bench.box.set(is_on=False)
    bench.begin()
    bench.run(A_DAY)
    before = asked(bench)
    bench.run(8 * A_DAY)
    assert asked(bench) == before
    bench.run(2 * A_DAY)
    assert asked(bench) == before + 1


def test_a_new_session_asks_nothing_that_was_answered(bench):
    bench.begin()
    bench.run(1)
    before = asked(bench)
    for _ in range(5):
        bench.connect(is_online=False)
        bench.connect(is_online=True)
        bench.run(1)
    assert asked(bench) == before


def test_a_household_without_an_entry_asks_soon_and_then_about_once_a_day(bench):
    bench.cloud.entry = None
    bench.begin()
    bench.run(1)
    soon = asked(bench)
    bench.run(3 * A_DAY)
    later = asked(bench)
    assert later >= soon + 5
    bench.run(5 * A_DAY)
    assert later + 4 <= asked(bench) <= later + 7


@pytest.mark.parametrize("lacks", ["entry", "sets", "measures_list"])
def test_what_comes_after_the_enrolment_is_known_soon_without_a_restart(bench, lacks):
    """A chip is often enrolled before the trustees have signed, or before the registrar enters it."""
    held = getattr(bench.cloud, lacks)
    setattr(bench.cloud, lacks, None if lacks == "entry" else [])
    bench.begin()
    bench.run(1)
    trust = bench.chip.area.trust
    assert not (trust.entries and trust.sets and trust.measures)
    setattr(bench.cloud, lacks, held)
    bench.run(4)
    trust = bench.chip.area.trust
    assert trust.entries
    assert trust.sets
    assert trust.measures


@pytest.mark.parametrize("reason", [Reason.DOCUMENT, Reason.ROSTER, Reason.PARTITION])
def test_a_refusal_that_terms_explain_makes_it_ask_at_once(bench, reason):
    bench.begin()
    bench.run(1)
    fields = {"version": 2, "previous": bench.cloud.measures_list[-1]}
    today = day_number(START.date())
    later = make_measures(
        bench.cloud.signed_set.hash, bench.cloud.transform_hash, **fields, effective=today + 3
    )
    bench.cloud.add_measures(bench.cloud.trustees.sign(later))
    bench.cloud.refuse = reason
    bench.run(2 * A_DAY)
    assert len(bench.chip.area.trust.measures) == 2


def test_a_new_document_is_known_before_the_one_before_is_refused(bench):
    """The cloud sends terms with an ack, since the contribution names the older document."""
    bench.begin()
    bench.run(2 * A_DAY)
    before = asked(bench)
    fields = {"version": 2, "previous": bench.cloud.measures_list[-1]}
    today = day_number(START.date())
    later = make_measures(
        bench.cloud.signed_set.hash, bench.cloud.transform_hash, **fields, effective=today + 3
    )
    bench.cloud.add_measures(bench.cloud.trustees.sign(later))
    bench.run(A_DAY)
    assert len(bench.chip.area.trust.measures) == 2
    assert asked(bench) == before + 1, "for the document alone"


def test_a_household_that_is_off_learns_of_a_new_document_within_ten_days(bench):
    bench.begin()
    bench.run(1)
    bench.box.set(is_on=False)
    fields = {"version": 2, "previous": bench.cloud.measures_list[-1]}
    today = day_number(START.date())
    later = make_measures(
        bench.cloud.signed_set.hash, bench.cloud.transform_hash, **fields, effective=today + 3
    )
    bench.cloud.add_measures(bench.cloud.trustees.sign(later))
    bench.run(11 * A_DAY)
    assert len(bench.chip.area.trust.measures) == 2


def published(bench):
    return sum(parse_device_topic(each.topic).kind is Kind.KEY for each in bench.sent)


def begin_session(bench, *, is_resumed):
    bench.connect(is_online=False)
    bench.is_online = True
    bench.chip.take(Connected(is_resumed))
    bench.run(1)


def test_key_shares_go_again_only_to_a_broker_that_may_lack_them(bench):
    bench.begin()
    bench.run(1)
    assert published(bench) == 1
    begin_session(bench, is_resumed=True)
    assert published(bench) == 2, "fresh ones may have been on their way"
    bench.run(2 * A_DAY)
    begin_session(bench, is_resumed=True)
    assert published(bench) == 2
    begin_session(bench, is_resumed=False)
    assert published(bench) == 3


def test_a_start_within_a_kept_session_publishes_no_old_key_shares(bench):
    bench.begin()
    bench.run(2 * A_DAY)
    before = published(bench)
    bench.is_online = False
    bench.restart()
    bench.is_online = True
    bench.chip.take(Connected(is_resumed=True))
    bench.run(1)
    assert published(bench) == before
    bench.restart()
    bench.run(1)
    assert published(bench) == before + 1
