"""What a chip believes of documents, and what it refuses."""

import hashlib

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.area.trust import FORK
from protocol.area_messages import AreaAck
from protocol.calendar import day_number
from protocol.errors import Reason
from protocol.governance import NOTICE_DAYS, draw_up
from protocol.ids import new_device_id
from protocol.measures import Group
from protocol.seeds import heads_seen
from protocol.topics import Kind
from tests.support.chip_area import (
    Trustees,
    area_bench,
    make_measures,
)
from tests.support.chip_bench import PLATFORM_KEY, instant

START = instant(2026, 5, 10, 8)
TODAY = day_number(START.date())


@pytest.fixture
def bench(tmp_path):
    made = area_bench(tmp_path, START)
    yield made
    made.kill()


def begin_with(bench, cosigned):
    """Start a chip whose cloud offers `signed document` in place of its measures."""
    bench.cloud.measures_list.clear()
    bench.cloud.add_measures(cosigned)
    bench.begin()
    bench.run(1)


def remade(cloud, **changes):
    return make_measures(cloud.signed_set.hash, cloud.transform_hash, **changes)


def next_measures(cloud, **changes):
    fields = {"version": 2, "previous": cloud.measures_list[-1], "effective": TODAY + 3}
    return remade(cloud, **(fields | changes))


def assert_refused(bench, reason=Reason.DOCUMENT):
    assert bench.chip.refused[reason] > 0
    assert not bench.chip.area.trust.measures
    bench.run(4 * 24)
    assert not bench.cloud.received
    assert not bench.vault.area.spends(0)


def test_good_documents_are_believed(bench):
    bench.begin()
    bench.run(1)
    trust = bench.chip.area.trust
    assert trust.measures_on(TODAY).measures == bench.cloud.measures
    assert trust.entry_on(TODAY).number == 3
    assert not bench.chip.refused


def test_measures_with_too_few_signatures_are_refused(bench):
    begin_with(bench, bench.cloud.trustees.sign(remade(bench.cloud, version=2), signers=2))
    assert_refused(bench)


def test_measures_signed_by_strangers_are_refused(bench):
    strangers = Trustees(PLATFORM_KEY)
    begin_with(bench, strangers.sign(remade(bench.cloud, version=2)))
    assert_refused(bench)


def test_measures_without_the_collectivity_are_refused(bench):
    cosigned = draw_up(remade(bench.cloud, version=2))
    for name, key in zip(bench.cloud.trustees.names, bench.cloud.trustees.signing, strict=True):
        cosigned = cosigned.signed(name, key)
    begin_with(bench, cosigned)
    assert_refused(bench)


def test_a_crowd_above_the_opening_threshold_is_refused(bench):
    document = remade(bench.cloud)
    curve = document.measures[0]
    group = msgspec.structs.replace(curve.groups[0], crowd=250)
    wide = (msgspec.structs.replace(curve, groups=(group,)), *document.measures[1:])
    begin_with(bench, bench.cloud.trustees.sign(remade(bench.cloud, measures=wide)))
    assert_refused(bench)


def test_another_collectivitys_measures_are_refused(bench):
    begin_with(bench, bench.cloud.trustees.sign(remade(bench.cloud, collectivity="village")))
    assert_refused(bench)


def test_a_document_of_another_hash_is_refused(bench):
    other = bench.cloud.trustees.sign(remade(bench.cloud, version=2))
    name = bench.cloud.measures_list[0]
    bench.cloud.documents[name] = msgspec.msgpack.encode(other)
    bench.begin()
    bench.run(1)
    assert_refused(bench)


def test_measures_that_come_late_hold_three_days_after_they_were_first_seen(bench):
    bench.begin()
    bench.run(1)
    hasty = bench.cloud.trustees.sign(next_measures(bench.cloud, effective=TODAY + 1))
    bench.cloud.add_measures(hasty)
    bench.restart()
    bench.run(1)
    trust = bench.chip.area.trust
    last = TODAY + NOTICE_DAYS
    assert [trust.measures_on(TODAY + n).measures.version for n in range(5)] == [1, 1, 1, 2, 2]
    assert trust.measures_on(last).hash == hasty.hash


def test_a_fork_is_refused_and_kept_as_proof(bench):
    bench.begin()
    bench.run(1)
    cloud = bench.cloud
    first, followed = cloud.measures_list[0], cloud.trustees.sign(next_measures(cloud))
    forks = [
        cloud.trustees.sign(remade(cloud, deadline_h=40)),
        cloud.trustees.sign(next_measures(cloud, previous=first, deadline_h=40)),
        cloud.trustees.sign(next_measures(cloud, previous=bytes(32))),
    ]
    for cosigned in (followed, *forks):
        cloud.add_measures(cosigned)
    set_after = cloud.trustees.set(
        version=2, previous=cloud.signed_set.hash, effective=TODAY + NOTICE_DAYS
    )
    other_set = msgspec.structs.replace(set_after, effective=TODAY + 9)
    for document in (set_after, other_set):
        cloud.add_set(cloud.trustees.sign(document))
    bench.restart()
    bench.run(4 * 24 * 2)
    trust = bench.chip.area.trust
    assert [each.hash for each in trust.measures] == [first, followed.hash]
    assert [each.trustees for each in trust.sets[1:]] == [set_after]
    kept = {row.hash for row in bench.vault.area.documents() if row.kind == FORK}
    assert kept == {*(fork.hash for fork in forks), draw_up(other_set).hash}
    assert bench.chip.refused[Reason.DOCUMENT] == len(kept)
    assert cloud.received[-1].measures == first


def test_nothing_is_contributed_from_the_day_on_which_the_measures_end(bench):
    ending = bench.cloud.trustees.sign(remade(bench.cloud, end=TODAY + 2))
    begin_with(bench, ending)
    bench.run(4 * 24 * 4)
    assert [each.day for each in bench.cloud.received] == [TODAY + 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"device": new_device_id()},
        {"household_key": bytes(16)},
        {"signing_key": bytes(32)},
    ],
)
def test_another_households_roster_entry_is_refused(bench, changes):
    bench.cloud.entry = bench.cloud.make_entry(**changes)
    bench.begin()
    bench.run(1)
    assert bench.chip.refused[Reason.ROSTER] > 0
    bench.run(4 * 24)
    assert not bench.cloud.received
    assert not bench.cloud.letters


def test_a_roster_entry_of_no_registrar_is_refused(bench):
    bench.cloud.entry = bench.cloud.make_entry(Ed25519PrivateKey.generate())
    bench.begin()
    bench.run(4 * 24)
    assert bench.chip.refused[Reason.ROSTER] > 0
    assert not bench.cloud.received


def test_a_first_set_that_was_not_confirmed_is_good_for_nothing(bench):
    bench.box.set(trustees=hashlib.sha256(b"another").hexdigest())
    bench.begin()
    bench.run(4 * 24)
    assert not bench.chip.area.trust.sets
    assert not bench.cloud.received


def test_a_next_set_needs_no_confirmation_but_the_signatures_of_the_one_before(bench):
    cloud = bench.cloud
    bench.begin()
    bench.run(1)
    following = Trustees(PLATFORM_KEY)
    following.registrar_key = cloud.trustees.registrar_key
    document = following.set(version=2, previous=cloud.signed_set.hash, effective=TODAY + 3)
    forged = following.sign(document)
    cloud.add_set(forged)
    bench.restart()
    bench.run(1)
    assert len(bench.chip.area.trust.sets) == 1
    assert bench.chip.refused[Reason.DOCUMENT] == 1
    cloud.documents[forged.hash] = msgspec.msgpack.encode(cloud.trustees.sign(document))
    measures = next_measures(cloud, trustees=forged.hash)
    cloud.add_measures(following.sign(measures))
    bench.retained = following.sealing.retained
    bench.restart()
    bench.run(4 * 24 * 5)
    assert len(bench.chip.area.trust.sets) == 2
    assert {each.trustees for each in cloud.letters} == {
        cloud.signed_set.hash,
        forged.hash,
    }
    documents = {each.day: each.measures for each in cloud.received}
    assert documents[TODAY + 2] != documents[TODAY + 3]
    assert documents[TODAY + 3] == cloud.measures_list[-1]


def test_a_household_of_another_cell_has_no_part(bench):
    bench.cloud.entry = bench.cloud.make_entry(cell="130550101")
    bench.begin()
    bench.run(4 * 24)
    assert not bench.cloud.received


def test_groups_by_provider_are_found_by_the_registrars_word(bench):
    group = Group("75/edf", ("75",), 300, 200, 210, 18, provider="edf")
    document = remade(bench.cloud)
    classes = msgspec.structs.replace(document.measures[1], groups=(group,))
    bench.cloud.measures_list.clear()
    bench.cloud.add_measures(bench.cloud.trustees.sign(remade(bench.cloud, measures=(classes,))))
    bench.begin()
    bench.run(4 * 41)
    assert [part.group for each in bench.cloud.received for part in each.parts] == ["75/edf"]


def test_a_message_for_another_household_is_refused(bench):
    bench.begin()
    bench.chip.take(bench.cloud.down(Kind.AREA_ACK, AreaAck(bytes(16), (1,), ())))
    assert bench.chip.refused[Reason.TOPIC] == 1


def test_a_first_set_under_another_key_of_the_collectivity_is_not_kept(tmp_path):
    made = area_bench(tmp_path, START, trustees=Trustees(Ed25519PrivateKey.generate()))
    made.begin()
    made.run(1)
    assert made.chip.refused[Reason.DOCUMENT] > 0
    assert not made.vault.area.documents()
    assert not made.chip.area.trust.sets
    made.kill()


def test_the_key_message_names_what_the_chip_has_seen(bench):
    bench.begin()
    bench.run(1)
    cloud, first = bench.cloud, bench.cloud.letters[-1]
    entry = bench.chip.area.trust.entries[-1]
    assert first.seen == heads_seen(cloud.signed_set.hash, cloud.measures_list[0], entry)
    assert first.seen.roster_head == cloud.entry.hash
    cloud.add_measures(cloud.trustees.sign(next_measures(cloud)))
    bench.restart()
    bench.run(2)
    second = cloud.letters[-1]
    assert second.seen == heads_seen(cloud.signed_set.hash, cloud.measures_list[1], entry)
    assert second.generation > first.generation
    cloud.entry = cloud.make_entry(number=9, cell="751010102", start=TODAY + 1)
    bench.restart()
    bench.run(2)
    third = cloud.letters[-1]
    assert (third.seen.roster_length, third.seen.roster_head) == (10, cloud.entry.hash)
    bench.restart()
    bench.run(4 * 24)
    assert cloud.letters[-1].generation == third.generation, "nothing new was seen"


def test_no_contribution_is_made_under_a_document_that_its_key_message_does_not_name(bench):
    bench.begin()
    bench.run(1)
    cloud = bench.cloud
    cloud.add_measures(cloud.trustees.sign(next_measures(cloud)))
    bench.restart()
    bench.run(4 * 24 * 6)
    named = {letters.generation: letters.seen.measures for letters in cloud.letters}
    order = cloud.measures_list
    assert {each.measures for each in cloud.received} == set(order)
    for each in cloud.received:
        assert order.index(named[each.generation]) >= order.index(each.measures)


def test_seeds_whose_message_names_an_older_document_are_not_used_for_a_newer_one(bench):
    bench.begin()
    bench.run(1)
    lane = bench.chip.area
    newer = msgspec.structs.replace(
        lane.trust.measures[0], hash=b"n" * 32, measures=next_measures(bench.cloud)
    )
    assert lane._seeds.seeds_for(lane.trust, lane.trust.measures[0], TODAY) is not None
    assert lane._seeds.seeds_for(lane.trust, newer, TODAY) is None
