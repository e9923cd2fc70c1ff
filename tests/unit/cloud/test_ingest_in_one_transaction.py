"""A batch from chips is stored whole or not at all, whichever step of it cannot be written."""

from datetime import UTC, date, datetime

import pytest

from cloud.ingest.handlers import SIGNED_KINDS
from cloud.ingest.pipeline import Ingest
from cloud.store import PublishedStatement, StatementOrder
from cloud.store.sqlite.area import SqliteArea
from cloud.store.sqlite.fleet import SqliteFleet
from cloud.store.sqlite.providers import SqliteProviders
from cloud.store.sqlite.receipts import SqliteReceipts
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import day_number
from protocol.errors import StoreBusy
from protocol.moving import Leave
from protocol.receipt import Receipt
from protocol.status import State, Status, encode_status, whole_hour
from protocol.topics import Kind
from system.mqtt.message import Incoming
from tests.support.area_household import AreaHousehold
from tests.support.area_town import AreaTown
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 23)
STATEMENT = b"s" * 16
# Where each step of a batch is written, and what the acks read in the end.
STEPS = [
    (SqliteStore, "mark_seen"),
    (SqliteProviders, "mark_letters_seen"),
    (SqliteArea, "put_letters"),
    (SqliteArea, "put_contributions"),
    (SqliteReceipts, "put"),
    (SqliteFleet, "put_heard"),
    (SqliteStore, "put_batch"),
    (SqliteStore, "leave"),
    (SqliteStore, "holdings"),
]


class Town:
    """A collectivity and a home that sends one message of each kind that is stored."""

    def __init__(self, directory):
        self.store = SqliteStore.open(directory)
        area = AreaTown()
        area.settle(self.store)
        home = area.join(self.store, AreaHousehold())
        self.now = NOW
        self.ingest = Ingest(self.store, area.collectivity, area.platform_key, lambda: self.now)
        chip, key = home.chip, home.chip.household_key
        order = StatementOrder(STATEMENT, b"c" * 32, key, b"r")
        self.store.put_request(order, NOW)
        self.store.settle([PublishedStatement(STATEMENT, chip.device, b"signed")], [], NOW)
        day = day_number(DAY)
        made = home.contribution(day, area.signed_measures.hash, area.parts())
        status = Status(state=State.READY, at=whole_hour(NOW), software="0.1.0", not_after=NOW)
        self.messages = [
            chip.seen(STATEMENT),
            chip.seen(b"x" * 16),  # no statement: a letter, or refused
            chip.message(Kind.KEY, home.letters(1, area.signed_trustees.hash)),
            chip.message(Kind.AREA, made),
            chip.message(Kind.RECEIPT, Receipt(key, STATEMENT, b"sealed")),
            Incoming(chip.topic(Kind.STATUS), encode_status(status)),
            chip.epoch(DAY),
            chip.block(DAY, 1),
            chip.message(Kind.LEAVE, Leave(key, day, ())),
            Incoming(FakeChip().topic(Kind.BLOCK), b"a stranger's"),
        ]

    def content(self):
        return list(self.store._db.conn.iterdump())


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path)
    yield town
    town.store.close()


def test_each_step_of_the_batch_writes(town, monkeypatch):
    """What the next test rests on."""
    written = set()
    for kind, name in STEPS:
        whole = getattr(kind, name)
        monkeypatch.setattr(
            kind, name, lambda *given, of=whole, name=name: written.add(name) or of(*given)
        )
    processed = town.ingest.process(town.messages)
    assert written == {name for _, name in STEPS}
    assert sum(one.count for one in processed.refused) == 2
    assert (
        processed.stored[Kind.BLOCK],
        processed.stored[Kind.EPOCH],
        processed.stored[Kind.AREA],
    ) == (1, 1, 1)


def test_nothing_of_a_batch_stays_when_its_last_step_cannot_be_written(town):
    for kind, name in reversed(STEPS):
        before = town.content()
        process_without(town, kind, name, town.messages)
        assert town.content() == before, name
    assert town.ingest.process(town.messages).again == 0


def process_without(town, kind, name, messages):
    """Process messages while one step cannot be written."""

    def fail(*_):
        raise StoreBusy("The disk is full.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, name, fail)
        with pytest.raises(StoreBusy):
            town.ingest.process(messages)


def test_a_defect_of_the_acks_stores_no_message_beside_its_dead_letter(town, monkeypatch):
    def fail(*_):
        raise KeyError("a defect")

    block = [each for each in town.messages if each.topic.endswith("/up/block")]
    monkeypatch.setattr(SqliteStore, "holdings", fail)
    town.ingest.process(block)
    content = "\n".join(town.content())
    assert 'INSERT INTO "block"' not in content
    assert content.count('INSERT INTO "dead_letter"') == len(block)


def test_a_batch_is_one_transaction(town):
    begun = []
    town.store._db.conn.set_trace_callback(
        lambda sql: begun.append(sql) if sql.startswith("BEGIN") else None
    )
    town.ingest.process(town.messages)
    assert len(begun) == 1


def test_a_chip_that_was_heard_in_a_batch_that_failed_is_heard_again(town):
    heard = [each for each in town.messages if not each.topic.endswith(f"/{Kind.STATUS}")]
    process_without(town, SqliteStore, "leave", heard)
    town.ingest.process(heard)
    (device,) = town.store.fleet.devices()
    assert device.last_heard is not None
    assert device.last_heard.heard_at == whole_hour(NOW)


def test_each_kind_has_one_handler():
    assert len(set(SIGNED_KINDS)) == len(SIGNED_KINDS)
