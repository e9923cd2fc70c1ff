"""A chip keeps bytes and reads only what is named; an older head costs nobody a list read anew."""

from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest

import protocol.catalogue
from cloud.catalogue.log import OpenedLog
from cloud.store.sqlite.store import SqliteStore
from tests.support.listing import TODAY, Provider, Publisher, register
from tests.unit.catalogue.test_chip_copy import World, listing

PROVIDER, PUBLISHER = Provider(), Publisher()
START, END = TODAY - timedelta(days=60), TODAY
OFFERS = [PROVIDER.offer(product=f"p{number}") for number in range(5)]
DOCUMENTS = [
    PUBLISHER.sign(PUBLISHER.calendar(START, END)),
    PUBLISHER.sign(PUBLISHER.series(START, END)),
    *OFFERS,
]


@contextmanager
def counted():
    """Count the documents that are read."""
    read = []

    def reading(signed):
        read.append(signed.hash)
        return original(signed)

    original = protocol.catalogue.open_listed
    with patch.object(protocol.catalogue, "open_listed", reading):
        yield read


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "chip")
    world.page(listing(*DOCUMENTS))
    for signed in DOCUMENTS:
        world.document(signed)
    yield world
    world.vault.close()


def test_a_chip_that_starts_again_reads_only_what_is_named(world):
    with counted() as read:
        world.start()
        assert world.copy.is_complete
        assert not read
        assert list(world.copy.catalogue.extensions_of(OFFERS[0].hash)) == []
        assert world.copy.catalogue.document(OFFERS[3].hash).product == "p3"
        assert set(read) == {OFFERS[3].hash}


def test_an_older_head_reads_nothing_anew_on_the_chip(world):
    with counted() as read:
        older = world.copy.at(world.copy.entries[-2].head)
        assert OFFERS[-1].hash not in older
        assert OFFERS[-2].hash in older
        assert not read


def test_an_older_head_reads_nothing_anew_in_the_cloud(tmp_path):
    store = SqliteStore.open(tmp_path)
    register(store, OFFERS[0])
    log = OpenedLog(store)
    entries = [log.add(signed, TODAY) for signed in DOCUMENTS]
    with counted() as read:
        older = log.at(entries[-2].head)
        assert OFFERS[-1].hash not in older
        assert OFFERS[-2].hash in older
        assert not read
    store.close()
