"""Parts of the story of restarts: moving house, and files of older versions."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from edge.bills.release_token import release_receipts
from edge.contracts.signed import CONTRACT, OFFER, read_agreement
from edge.moving.departure import leave_order as order_to_leave
from edge.moving.erasing import ORDER as ERASE
from edge.moving.erasing import EraseOrder, erase
from edge.moving.exported import note_export
from edge.moving.transfer import pack, take_in
from edge.vault.database import _UPGRADES, FILE_NAME, SCHEMA_VERSION
from protocol.calendar import day_start, legal_day
from protocol.ids import HouseholdKeyId
from protocol.topics import Kind
from system.files import write_secret
from tests.support.billing_home import ONE_DAY
from tests.support.restart_recorder import Recorder, name


def leave(story: Recorder) -> None:
    """Move out, without an answer at first."""
    release_receipts(story.directory)
    story.kill()
    order_to_leave(story.directory, story.clock.now())
    story.shoot("leave_ordered")
    with story.losing(Kind.LEAVE):
        story.begin()
        story.go_on()
        story.run(2)
        story.go_on()
        story.shoot("left_and_not_told")
    story.go_on()
    story.shoot("left_and_told")
    with story.losing(Kind.RECEIPT, Kind.RECEIPT_ACK):
        story.ask(72, story.days_lived(), name(10))
        story.shoot("last_receipt_unsent")
    story.go_on()
    story.shoot("last_bill")
    note_export(story.directory, story.clock.now(), has_vault=True)
    story.shoot("exported")
    # An order of its own household ends in an erasure: tests/unit/edge/test_erased_by_the_panel.py.
    ERASE.leave(story.directory, EraseOrder(HouseholdKeyId(bytes(16))))
    story.shoot("another_is_to_be_erased")
    ERASE.withdraw(story.directory)


def come_to_another_chip(story: Recorder) -> None:
    """Go on on another chip, and erase the one before."""
    bundle = pack(story.directory)
    story.kill()
    old, story.directory = story.directory, story.directory.with_name("other_chip")
    take_in(story.directory, bundle, legal_day(story.clock.at))
    story.enrol()
    story.clock.at = day_start(legal_day(story.clock.at) + ONE_DAY)
    story.shoot("come_to_another_chip")
    story.begin()
    story.settle()
    story.live(2)
    story.shoot("goes_on_on_another_chip")
    story.kill()
    story.directory = old
    erase(story.directory)
    story.enrol()
    story.shoot("erased_for_others")


def keep_older_versions(story: Recorder) -> None:
    """Turn copies into directories that older versions have left."""
    for version in range(1, SCHEMA_VERSION):
        image = story.copy("receipt_stored", f"vault_of_version_{version}")
        _make_older(image / FILE_NAME, version)
    image = story.copy("receipt_stored", "offer_beside_its_contract")
    signed = read_agreement(image)
    assert signed is not None
    write_secret(image / OFFER, msgspec.json.encode(signed.offer))
    write_secret(image / CONTRACT, msgspec.json.encode(signed.contract))


def _make_older(path: Path, version: int) -> None:
    """Turn a vault into one of an older version, which lacks the later tables."""
    with closing(sqlite3.connect(path)) as database:
        for later in range(version, SCHEMA_VERSION):
            for table, *_ in _UPGRADES[later]:
                database.execute(f"DROP TABLE {table}")
        database.execute(f"PRAGMA user_version = {version}")
