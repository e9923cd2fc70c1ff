"""What may be listed, and that the list is one chain that only grows."""

import sqlite3
from datetime import date, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cloud.catalogue.log import OpenedLog
from cloud.catalogue.log import Publisher as ListPublisher
from cloud.store.sqlite.store import SqliteStore
from protocol.catalogue import (
    PAGE_ENTRIES,
    Catalogue,
    Entry,
    Segment,
    check_chain,
    next_entry,
    segments_of,
)
from protocol.contract import Signed, sign_document
from protocol.envelope import ALL, SIZE_MAX_BYTES, Address, open_message, seal_message
from protocol.errors import DocumentRefused, StoreError
from protocol.schedule import PriceSeries
from protocol.topics import PublicKind, parse_catalogue_topic
from tests.support.listing import TODAY, Provider, Publisher, register, register_line

START = date(2026, 1, 1)
KEY = Ed25519PrivateKey.generate()


def refused(signed, *before, on=TODAY):
    catalogue = Catalogue()
    for each in before:
        catalogue.admit(each, on)
    with pytest.raises(DocumentRefused) as caught:
        catalogue.admit(signed, on)
    assert signed.hash not in catalogue
    return str(caught.value)


def test_documents_of_all_kinds_are_admitted_and_the_same_again_is_no_change():
    provider, publisher = Provider(), Publisher()
    documents = [
        provider.offer(),
        publisher.sign(publisher.calendar(START, START + timedelta(days=60))),
        publisher.sign(publisher.series(START, START + timedelta(days=60))),
    ]
    catalogue = Catalogue()
    for signed in documents * 2:
        catalogue.admit(signed, TODAY)
    assert len(catalogue.offers) == 1
    assert all(catalogue.signed(each.hash) == each for each in documents)
    assert catalogue.schedules() is catalogue.schedules()


def test_a_forged_document_is_refused():
    provider, publisher = Provider(), Publisher()
    offer = provider.offer()
    assert "signature" in refused(Signed(offer.kind, offer.body, bytes(64)))
    calendar = publisher.calendar(START, START + timedelta(days=9))
    assert "signature" in refused(sign_document(calendar, Ed25519PrivateKey.generate()))
    assert "Only offers" in refused(Signed("Contract", b"", bytes(64)))
    assert "cannot be read" in refused(Signed("Calendar", b"\x90", bytes(64)))
    relabelled = Signed("PriceSeries", publisher.sign(calendar).body, bytes(64))
    assert "cannot be read" in refused(relabelled)


def test_an_offer_extends_a_listed_one_once_and_for_days_to_come():
    provider = Provider()
    former = provider.offer()
    later = provider.tariff(name="2027", valid_from=TODAY, energy=(register_line((1,), "0.3"),))
    grown = provider.offer(provider.tariff(), later, extends=former)
    assert "not listed" in refused(grown)
    catalogue = Catalogue()
    catalogue.admit(former, TODAY)
    catalogue.admit(grown, TODAY)
    assert list(catalogue.extensions_of(former.hash)) == [grown.hash]
    assert [name for name, _ in catalogue.latest_offers()] == [grown.hash]
    other = provider.offer(provider.tariff(), later, product="p", extends=former)
    assert other.hash == grown.hash
    rival = provider.tariff(name="rival", valid_from=TODAY + timedelta(days=9))
    rival = provider.offer(provider.tariff(), rival, extends=former)
    assert "extended already" in refused(rival, former, grown)
    assert "the day it is listed" in refused(grown, former, on=TODAY + timedelta(days=1))
    changed = provider.tariff(calendar="BASE")
    changed = provider.offer(changed, later, extends=former)
    assert "unchanged" in refused(changed, former)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 59), (30, 0), (-59, 0)])
def test_schedules_of_one_name_do_not_overlap(first, second):
    publisher = Publisher()
    held = publisher.calendar(START, START + timedelta(days=60))
    begin = START + timedelta(days=first)
    other = publisher.calendar(begin, begin + timedelta(days=60 - second))
    if other == held:
        other = msgspec.structs.replace(other, source="another")
    assert "overlap" in refused(publisher.sign(other), publisher.sign(held))
    publisher_b = Publisher()
    Catalogue().admit(publisher_b.sign(publisher_b.calendar(START, begin + timedelta(70))), TODAY)


def test_a_name_is_a_calendar_or_a_series_and_follows_itself_without_overlap():
    publisher = Publisher()
    held = publisher.sign(publisher.calendar(START, START + timedelta(days=60)))
    after = START + timedelta(days=60)
    series = publisher.series(after, after + timedelta(days=9), name="nights")
    assert "another kind" in refused(publisher.sign(series), held)
    Catalogue().admit(publisher.sign(publisher.calendar(after, after + timedelta(9))), TODAY)


def test_a_document_that_no_message_carries_is_refused_with_what_to_do():
    publisher = Publisher()
    series = PriceSeries(publisher.name, "spot", 2_000_000, 1, (100_000,) * 20_000)
    assert "split it" in refused(publisher.sign(series))


def chain(length):
    previous, entries = None, []
    for number in range(length):
        signed = Signed("Offer", number.to_bytes(4, "big"), bytes(64))
        previous = next_entry(previous, signed, TODAY)
        entries.append(previous)
    return entries


CHAIN = chain(9)


@given(
    at=st.integers(0, 8),
    field=st.sampled_from(["number", "listed_on", "kind", "hash", "head"]),
)
def test_any_change_of_any_entry_breaks_the_chain(at, field):
    entry = CHAIN[at]
    value = {
        "number": entry.number + 1,
        "listed_on": entry.listed_on + 1,
        "kind": "Calendar",
        "hash": bytes(32),
        "head": bytes(32),
    }[field]
    changed = msgspec.structs.replace(entry, **{field: value})
    check_chain(None, CHAIN)
    with pytest.raises(DocumentRefused):
        check_chain(None, [*CHAIN[:at], changed, *CHAIN[at + 1 :]])


def test_an_entry_taken_out_or_swapped_breaks_the_chain():
    for broken in (CHAIN[1:], [*CHAIN[:3], *CHAIN[4:]], [CHAIN[1], CHAIN[0], *CHAIN[2:]]):
        with pytest.raises(DocumentRefused):
            check_chain(None, broken)
    check_chain(CHAIN[3], CHAIN[4:])


def test_a_full_page_stays_below_a_message():
    numbers = range(10**6, 10**6 + PAGE_ENTRIES)
    entries = tuple(Entry(n, 99_999, "PriceSeries", bytes([255] * 32), bytes(32)) for n in numbers)
    address = Address("c" * 32, ALL, PublicKind.LIST)
    payload = seal_message(address, Segment(2_047, entries), KEY)
    assert len(payload) < SIZE_MAX_BYTES


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


def test_what_is_listed_is_kept_published_and_found_under_its_heads(store):
    listed, provider, publisher = OpenedLog(store), Provider(), Publisher()
    register(store, provider.offer())
    first = listed.add(provider.offer(), TODAY)
    calendar = publisher.sign(publisher.calendar(START, START + timedelta(days=9)))
    second = listed.add(calendar, TODAY)
    assert listed.add(calendar, TODAY + timedelta(days=1)) == second
    other = OpenedLog(store)
    assert other.entries == [first, second]
    assert other.offer(first.hash) == provider_signed(other, first)
    assert other.offer(calendar.hash) is None
    assert len(other.at(first.head).offers) == 1
    assert calendar.hash not in other.at(first.head)
    assert other.at(second.head) is other.catalogue
    assert other.at(bytes(32)) is None
    messages, length = ListPublisher(other, "ville", KEY).messages(1)
    assert length == 2
    topics = [parse_catalogue_topic(message.topic) for message in messages]
    assert [(topic.page, topic.document) for topic in topics] == [(None, calendar.hash), (0, None)]
    assert all(message.retain for message in messages)
    address = Address("ville", ALL, PublicKind.LIST)
    page = open_message(address, messages[-1].payload, KEY.public_key(), Segment)
    assert page == Segment(0, (first, second))
    assert ListPublisher(other, "ville", KEY).messages(2) == ([], 2)


def provider_signed(listed, entry):
    return listed.document(entry.hash)


def test_two_who_list_at_once_do_not_both_get_the_number(store):
    provider = Provider()
    register(store, provider.offer())
    here, there = OpenedLog(store), OpenedLog(store)
    assert here.entries == there.entries == []
    stale = next_entry(None, provider.offer(product="b"), TODAY)
    there.add(provider.offer(product="a"), TODAY)
    with pytest.raises(StoreError, match="meanwhile"):
        store.catalogue.append(stale, provider.offer(product="b"))
    assert here.add(provider.offer(product="b"), TODAY).number == 1


@pytest.mark.parametrize("sql", ["DELETE FROM listed", "UPDATE listed SET hash = x'00'"])
def test_nothing_is_ever_removed_from_the_store(store, sql):
    listed = OpenedLog(store)
    offer = Provider().offer()
    register(store, offer)
    entry = listed.add(offer, TODAY)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        store._db.execute(sql)
    assert OpenedLog(store).entries == [entry]


def test_pages_follow_each_other():
    entries = chain(PAGE_ENTRIES + 3)
    first, second = segments_of(entries)
    assert (first.number, second.number) == (0, 1)
    assert (len(first.entries), len(second.entries)) == (PAGE_ENTRIES, 3)
    assert segments_of(entries[PAGE_ENTRIES:], 1) == [second]


def test_a_document_that_newer_rules_refuse_stays_listed_and_counts_for_nothing(store):
    provider = Provider()
    listed = OpenedLog(store)
    register(store, provider.offer())
    first = listed.add(provider.offer(product="a"), TODAY)
    forged = Signed("Offer", provider.offer(product="b").body, bytes(64))
    second = next_entry(first, forged, TODAY)
    store.catalogue.append(second, forged)
    with capture_logs() as logs:
        again = OpenedLog(store)
        assert again.entries == [first, second]
    assert [entry["event"] for entry in logs] == ["listed_document_refused"]
    assert list(again.catalogue.offers) == [first.hash]
    assert again.document(forged.hash) == forged  # published all the same: the list is the list
    third = again.add(provider.offer(product="c"), TODAY)
    assert third.number == 2
    assert len(ListPublisher(again, "ville", KEY).messages(0)[0]) == 4
