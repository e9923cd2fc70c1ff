"""The area lane over a real broker: keys kept by it, contributions through kills of the worker."""

import signal
from datetime import date

import pytest

from cloud.registry.key_files import load_platform_key
from cloud.store.area import FigureKey
from cloud.store.sqlite import schema
from cloud.store.sqlite.store import SqliteStore
from protocol.area_messages import AreaAck, Terms
from protocol.calendar import day_number
from protocol.envelope import Address, open_message
from protocol.errors import Reason
from protocol.topics import Kind
from tests.integration.test_ingest_worker import LinkedChip, WorkerProcess
from tests.support.area_household import AreaHousehold
from tests.support.area_town import AreaTown
from tests.support.broker import COLLECTIVITY, wait_until

DAY = day_number(date(2026, 6, 1))


@pytest.fixture
def worker(broker):
    process = WorkerProcess(broker.cloud)
    yield process
    process.end(signal.SIGKILL)


@pytest.fixture
def town(broker):
    town = AreaTown(COLLECTIVITY, platform_key=load_platform_key(broker.cloud))
    store = SqliteStore.open(broker.cloud)
    town.settle(store)
    store.close()
    return town


@pytest.fixture
def home(broker, town, tmp_path):
    """A household on the roster, its chip connected and its seeds retained at the broker."""
    with LinkedChip(broker.cloud, tmp_path / "chip") as chip:
        home = AreaHousehold(chip)
        store = SqliteStore.open(broker.cloud, is_checked=False)
        town.enter(store, home)
        store.close()
        letters = chip.message(Kind.KEY, home.letters(1, town.signed_trustees.hash))
        chip.publish(letters, retain=True).wait_for_publish(10)
        yield home


def opened(home, kind, body_type):
    chip = home.chip
    address = Address(COLLECTIVITY, chip.device, kind)
    return [
        open_message(address, payload, chip._platform_key, body_type) for payload in chip.down(kind)
    ]


def stored_days(home):
    return {day for ack in opened(home, Kind.AREA_ACK, AreaAck) for day in ack.stored}


def contribution(home, town, day):
    made = home.contribution(day, town.signed_measures.hash, town.parts())
    return home.chip.message(Kind.AREA, made)


def test_seeds_that_were_sent_before_the_worker_began_are_known_to_it(broker, worker, town, home):
    worker.start_and_wait()
    store = SqliteStore.open(broker.cloud, is_checked=False)
    key = home.chip.household_key
    wait_until(lambda: store.area.generations([key]) == {key: 1}, "the retained seeds")
    home.chip.publish(contribution(home, town, DAY))
    home.chip.publish(home.chip.message(Kind.ASK, home.ask()))
    wait_until(lambda: stored_days(home) == {DAY}, "the contribution to be acknowledged")
    wait_until(lambda: opened(home, Kind.TERMS, Terms), "the terms")
    assert opened(home, Kind.TERMS, Terms)[0].measures == (town.signed_measures.hash,)
    worker.end(signal.SIGTERM)
    worker.start_and_wait()  # the broker gives the retained seeds once more
    home.chip.publish(contribution(home, town, DAY))
    wait_until(
        lambda: (DAY, Reason.CONFLICT) in opened(home, Kind.AREA_ACK, AreaAck)[-1].refused,
        "another version of the day to be refused",
    )
    assert [one.label for one in store.figures().dead_letters] == ["conflict"]
    assert store.figures().seeds == 1
    store.close()


def test_a_worker_killed_between_receipt_and_commit_loses_no_contribution(
    broker, worker, town, home
):
    worker.start_and_wait()
    store = SqliteStore.open(broker.cloud, is_checked=False)
    key = home.chip.household_key
    wait_until(lambda: store.area.generations([key]), "the retained seeds")
    days = set(range(DAY, DAY + 8))
    with schema.transaction(store._db):  # nobody else can commit now
        for day in sorted(days):
            home.chip.publish(contribution(home, town, day))
        wait_until(lambda: "store_busy" in worker.events(), "the worker to hold a batch")
        worker.end(signal.SIGKILL)
    assert store.figures().contributions == 0
    worker.start_and_wait()
    wait_until(lambda: stored_days(home) == days, "the contributions to come by themselves")
    for day in days:
        key = FigureKey(town.signed_measures.hash, "curve", "75101", day)
        assert [row.entry for row in store.area.rows(key)] == [home.entry]
    assert store.figures().dead_letters == ()
    store.close()
