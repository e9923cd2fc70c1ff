"""A message that the platform signed and the chip cannot handle costs that message and no other."""

import hashlib
import sqlite3

import msgspec
import pytest

from edge.area.settings import AreaConfig
from edge.bills.judgement import Verdict
from edge.bills.verifier import read_judgement
from edge.mqtt.message import Arrived
from edge.status.report import report
from protocol.catalogue import Segment, next_entry
from protocol.contract import Signed
from protocol.envelope import ALL, Address, seal_message
from protocol.errors import StoreError
from protocol.letters import Letter
from protocol.messages import Statement
from protocol.topics import Kind, PublicKind, listed_topic, page_topic
from system.set_aside import FILE_NAME, read_set_aside
from tests.support.billing_home import BillingHome, day
from tests.support.broker import COLLECTIVITY

# A signed document whose kind is not UTF-8.
BROKEN_TEXT = msgspec.msgpack.encode(Signed("Offer", b"", bytes(64))).replace(
    b"Offer", b"\xff\xfe\xff\xff\xff"
)


@pytest.fixture
def home(tmp_path):
    home = BillingHome(tmp_path / "town")
    home.begin()
    home.live(8)
    yield home
    home.kill()


def statement_of(home, **changes) -> Statement:
    """Return the good statement over seven days, changed."""
    (good,) = home.compute(0, 7, b"a good statement")
    body = msgspec.msgpack.decode(msgspec.msgpack.decode(good.payload)[1], type=Statement)
    return msgspec.structs.replace(body, **changes)


def send_statement(home, statement):
    home.send_to_chip(Kind.STATEMENT, statement, statement.id.hex())


def send_broken_request(home):
    send_statement(home, statement_of(home, id=b"not a good state", request=BROKEN_TEXT))


def send_broken_acceptance(home):
    send_statement(home, statement_of(home, id=b"not a good state", acceptance=BROKEN_TEXT))


def send_broken_letter(home):
    letter = Letter(home.identity.household_key, bytes(16), BROKEN_TEXT)
    home.send_to_chip(Kind.LETTER, letter, letter.id.hex())


def send_listed_document(home):
    """Send a page of the list, and then the document that it names, whose text is not UTF-8."""
    signed = Signed("Offer", BROKEN_TEXT, bytes(64))
    entry = next_entry(None, signed, day(0))
    address = Address(COLLECTIVITY, ALL, PublicKind.LIST)
    page = seal_message(address, Segment(0, (entry,)), home.cloud.key)
    topic = listed_topic(COLLECTIVITY, hashlib.sha256(BROKEN_TEXT).digest())
    home.deliver(
        [
            Arrived(page_topic(COLLECTIVITY, 0), page),
            Arrived(topic, BROKEN_TEXT),
            Arrived(topic, msgspec.msgpack.encode(signed)),
        ]
    )


BROKEN = {
    "a statement's request": send_broken_request,
    "a statement's acceptance": send_broken_acceptance,
    "a letter": send_broken_letter,
}


@pytest.mark.parametrize("what", BROKEN)
def test_text_that_is_not_utf_8_costs_its_message_alone(home, what):
    BROKEN[what](home)
    assert home.chip.set_aside == []
    home.restart()
    home.wait()
    assert home.chip.set_aside == []
    home.ask(0, 7, b"statement-number")
    (row,) = [row for row in home.vault.statements() if row.id == b"statement-number"]
    assert row.verdict is not None


def test_a_statement_that_meets_a_defect_rests_over_restarts_and_is_shown(home, monkeypatch):
    met = []

    def fail(*_):
        met.append(1)
        raise KeyError("a defect of this program")

    with monkeypatch.context() as broken:
        broken.setattr("edge.bills.verifier.judge", fail)
        home.ask(0, 7, b"statement-number")
        home.restart()
        home.wait()
        assert met == [1]
        assert home.chip.set_aside == []
        now = home.clock.now()
        (aside,) = report(home.directory, AreaConfig(), now, None).set_aside
        assert (aside.kind, aside.defect) == ("down/statement", "KeyError")
    (row,) = home.vault.statements()
    assert row.verdict is None
    home.live(2)
    home.wait()
    (row,) = home.vault.statements()
    assert read_judgement(row).verdict is Verdict.CORRECT


@pytest.mark.parametrize("error", [StoreError("no"), sqlite3.OperationalError("disk is full")])
def test_a_vault_that_cannot_go_on_ends_the_chip_and_sets_nothing_aside(home, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("edge.bills.inbox.StatementInbox.take", fail)
    with pytest.raises(StoreError):
        home.ask(0, 7, b"statement-number")
    assert read_set_aside(home.directory / FILE_NAME) == ()


def test_a_value_that_the_vault_cannot_hold_is_set_aside_before_the_chip_ends(home, monkeypatch):
    def fail(*_):
        raise sqlite3.IntegrityError("NOT NULL")

    with monkeypatch.context() as broken:
        broken.setattr("edge.vault.statements.Statements.save", fail)
        home.ask(0, 7, b"statement-number")
        with pytest.raises(StoreError):
            home.live(1)
    (aside,) = read_set_aside(home.directory / FILE_NAME)
    assert aside.defect == "IntegrityError"
    home.restart()
    home.live(1)


@pytest.mark.parametrize(
    "step", ["edge.chip.chip.Chip._take_ack", "edge.contracts.catalogue.Copy.put"]
)
def test_any_error_of_one_message_lets_the_chip_go_on(home, monkeypatch, step):
    def fail(*_):
        raise KeyError("a defect of this program")

    with monkeypatch.context() as broken:
        broken.setattr(step, fail)
        home.live(1)
        send_listed_document(home)
    home.live(1)
    home.ask(0, 7, b"statement-number")
    assert any(row.id == b"statement-number" for row in home.vault.statements())
