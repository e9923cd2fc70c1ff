"""Parts of the story of restarts: bills, receipts, letters, and another meter on the line."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from edge.chip.confirming import leave_confirmation
from edge.identity.enrolment import signer_of
from edge.metering.events import DayClosed
from edge.metering.meter import Meter
from edge.metering.state import MeterState
from edge.metering.unconfirmed import quarantine_in, unconfirmed_in
from edge.simulate.host import host_time_at
from edge.status.news import News, look
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame
from edge.vault.database import FILE_NAME
from edge.vault.reader import read_vault
from edge.vault.vault import Vault
from protocol.calendar import day_number, legal_day
from protocol.contract import Contract
from protocol.envelope import decode_body
from protocol.letters import Letter, write_letter
from protocol.topics import Kind
from tests.support.billing_home import PROVIDER_KEY
from tests.support.chip_bench import SERIAL, BenchMeter
from tests.support.restart_recorder import OTHER_SERIAL, Recorder, name


def get_bills(story: Recorder) -> None:
    """Get a letter, bills that are judged at once, late or not, and receipts."""
    terms = decode_body(story.contract.body, Contract)
    written_on = day_number(legal_day(story.clock.at))
    signed = write_letter("Bonjour.", name(1), story.contract, terms, PROVIDER_KEY, written_on)
    letter = Letter(story.identity.household_key, name(1), msgspec.msgpack.encode(signed))
    story.send_to_chip(Kind.LETTER, letter, name(1).hex())
    story.shoot("letter_kept")
    with read_vault(story.directory) as vault:
        look(vault, story.directory, story.clock.now(), News.LETTER)
    story.shoot("letter_looked_at")
    (message,) = story.compute(0, 7, name(2))
    story.vault.save_statement(name(2), story.clock.at, message.payload, None)
    story.shoot("statement_not_judged")
    story.deliver([message])
    story.shoot("bill_without_a_receipt")
    story.ask(0, 7, name(3))
    story.shoot("statement_refused")
    story.live(28)
    with story.losing(Kind.ACK):
        story.live(6)
        with story.losing(Kind.RECEIPT, Kind.RECEIPT_ACK):
            story.ask(7, 38, name(4))
            story.shoot("receipt_waits_for_blocks")
    of = "receipt_waits_for_blocks"
    _judge_by_an_older_version(story, of, "judged_before_meters_counted", OTHER_SERIAL)
    image = _judge_by_an_older_version(story, of, "judged_before_the_meter_was_known", "")
    with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
        database.execute("UPDATE meter SET state = NULL")
    with story.losing(Kind.RECEIPT, Kind.RECEIPT_ACK):
        story.go_on()
        story.shoot("receipt_unsent")
    image = story.copy("receipt_unsent", "receipt_leaves_later")
    with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
        database.execute("UPDATE receipt_moments SET leaves_at_s = leaves_at_s + 4000000000")
    story.go_on()
    story.shoot("receipt_stored")
    _doubt_the_meter(story)
    story.ask(7, 38, name(5), corrects=name(4))
    story.shoot("bill_corrected")


def _doubt_the_meter(story: Recorder) -> None:
    """Make copies read a meter that was reset to zero, and another household's meter."""
    zero = BenchMeter(story.clock.at, serial=SERIAL)
    other = BenchMeter(story.clock.at, serial="041661524299")
    zero.base_wh = (0, 0)
    assert quarantine_in(_read_in(story, "index_in_quarantine", zero.frame)) is not None
    assert _read_in(story, "other_meter_on_the_line", other.frame).other is not None
    # The wire shows the confirmed state: a lower index than was read before, or another meter.
    _confirm_in(story, "index_confirmed", more_wh=5_000_000)
    _confirm_in(story, "other_meter_confirmed", serial=OTHER_SERIAL)


def _confirm_in(story: Recorder, state: str, more_wh: int = 0, serial: str = SERIAL) -> None:
    """Make a copy read the wire after it has read something else, and confirm the change."""
    read = _read_in(story, state, partial(_frame_at, story), more_wh, serial)
    confirmed = unconfirmed_in(read)
    assert confirmed is not None
    leave_confirmation(story.images[state].directory, confirmed)


def _frame_at(story: Recorder, at: datetime) -> Frame:
    return Decoder().feed(story.wire.frame_at(at))[0]


def _read_in(
    story: Recorder,
    state: str,
    frame_at: Callable[[datetime], Frame],
    more_wh: int = 0,
    serial: str = SERIAL,
) -> MeterState:
    """Make a copy read three frames after all registers of its meter had `more_wh` more."""
    image = story.copy("receipt_stored", state)
    with closing(Vault.open(image, signer_of(story.identity))) as vault:
        begun = vault.values.state()
        last = begun.account.last
        last = msgspec.structs.replace(
            last,
            serial=serial,
            total_wh=last.total_wh + more_wh,
            registers_wh=tuple([wh and wh + more_wh for wh in last.registers_wh]),
        )
        account = msgspec.structs.replace(begun.account, last=last)
        meter = Meter(msgspec.structs.replace(begun, account=account))
        events = []
        for second in range(3):
            at = story.clock.at + timedelta(seconds=second)
            events += meter.observe(frame_at(at), host_time_at(at))
        vault.record(events, meter.state)
        return meter.state


def _judge_by_an_older_version(story: Recorder, of: str, state: str, serial: str) -> Path:
    """Set another meter for a copy's days, as an older version, which did not compare them."""
    image = story.copy(of, state)
    with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
        for number, closed in database.execute("SELECT day, closed FROM days").fetchall():
            counted = msgspec.msgpack.decode(closed, type=DayClosed)
            counted = msgspec.structs.replace(counted, meter_serial=serial)
            database.execute(
                "UPDATE days SET closed = ? WHERE day = ?",
                (msgspec.msgpack.encode(counted), number),
            )
    return image
