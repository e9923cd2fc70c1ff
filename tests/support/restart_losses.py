"""Parts of the story of restarts: lost keys and a lost vault, and a cloud that disagrees."""

import sqlite3
from contextlib import closing
from functools import partial

import msgspec

from cloud.registry.key_files import load_key_list, load_root, load_signed_list
from edge.bills.release_token import release_receipts
from edge.identity.platform_keys import FORK, keep_key_list
from edge.mqtt.message import Arrived
from edge.vault.database import FILE_NAME
from edge.vault.epochs import NO_KEYS
from edge.vault.keyring import files_in
from protocol.envelope import Address, open_message, seal_message
from protocol.key_list import sign_key_list
from protocol.messages import Statement
from protocol.topics import Kind
from tests.support.broker import COLLECTIVITY
from tests.support.restart_recorder import Recorder, name

# By then the chip has fetched the cloud's state, and requested the first page of it.
ROUNDS_TO_A_RECOVERY = 2


def lose_keys(story: Recorder) -> None:
    """Take a year's keys from a copy, and let them come back to another."""
    image = story.copy("receipt_stored", "year_keys_lost")
    for path in files_in(image / "keys"):
        path.unlink()
    image = story.copy("receipt_stored", "year_keys_came_back")
    with closing(sqlite3.connect(image / FILE_NAME)) as database, database:
        database.execute("UPDATE epoch_keys SET keys = ?", (NO_KEYS,))


def follow_the_keys(story: Recorder) -> None:
    """Leave the collectivity's list of keys on copies, and a second one that contradicts it."""
    cloud = story.cloud.directory
    for state in ("key_list_taken", "key_list_contradicted"):
        image = story.copy("receipt_stored", state)
        keep_key_list(image, load_signed_list(cloud))
    other = msgspec.structs.replace(load_key_list(cloud), registrar=())
    keep_key_list(image, sign_key_list(other, load_root(cloud / "root").key), FORK)


def lose_the_vault(story: Recorder) -> None:
    """Lose the vault, get it back from the cloud, and settle what that left in doubt."""
    story.live(28)
    story.settle()
    story.kill()
    for path in story.directory.glob(f"{FILE_NAME}*"):
        path.unlink()
    story.shoot("vault_lost")
    story.has_meter = False
    story.start()
    story.pump(ROUNDS_TO_A_RECOVERY)
    story.shoot("recovery_under_way")
    story.go_on()
    story.shoot("metering_to_be_restored")
    story.ask(38, 66, name(6))
    story.shoot("judgement_postponed")
    story.kill()
    story.has_meter = True
    story.begin()
    story.live(2)
    story.go_on()
    story.shoot("receipt_in_doubt")
    story.kill()
    release_receipts(story.directory)
    story.shoot("word_said")
    story.begin()
    story.go_on()
    story.shoot("metering_restored")


def disagree(story: Recorder) -> None:
    """Get statements that differ from what the chip computes."""
    story.live(4)
    true = story.compute(66, 70, name(7))
    story.deliver(map(partial(_altered, story), true))
    story.shoot("statement_differs")
    story.deliver(map(partial(_altered, story), story.compute(66, 70, name(8))))
    story.shoot("two_statements_differ")
    story.deliver(true)
    story.shoot("statement_agrees_after_all")
    story.ask(70, 72, name(9))
    story.shoot("household_is_asked")


def _altered(story: Recorder, message: Arrived) -> Arrived:
    """Alter the first sum of a statement, as a faulty cloud would."""
    address = Address(COLLECTIVITY, story.identity.device, Kind.STATEMENT)
    body = open_message(address, message.payload, story.identity.platform_key, Statement)
    (line, *lines), replace = body.lines, msgspec.structs.replace
    (month, *months) = line.months
    wrong = replace(month, quantity=(month.quantity + (1 << 30)) % (1 << 59))
    body = replace(body, lines=(replace(line, months=(wrong, *months)), *lines))
    return Arrived(message.topic, seal_message(address, body, story.cloud.key))
