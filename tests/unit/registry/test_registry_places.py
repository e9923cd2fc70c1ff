"""Who lived where: encrypted at rest, found by number, and nobody looks without leaving a trace."""

import json
import sqlite3
import stat
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner

from cloud.commands.registry import registry
from cloud.registry import places
from cloud.registry.enrolment import enrol
from cloud.registry.places import list_places, look_up, open_meter, seal_meter
from cloud.store import (
    Device,
    PublishedStatement,
    RequestState,
    SeenStatement,
    StatementOrder,
)
from cloud.store.moving import LookUp, StoredIdentity, SupplyPoint
from cloud.store.providers import StoredLetter
from cloud.store.sqlite import schema
from cloud.store.sqlite.store import SqliteStore
from edge.contracts.enrolling import draw_keys, make_request
from edge.identity.keys import load_keys
from protocol.errors import ConfigError, DocumentRefused, StoreError
from protocol.ids import DeviceId, HouseholdKeyId, new_device_id
from protocol.provider_api import LetterState
from tests.support.broker import make_cloud

PRM, OTHER = "21500000000001", "21500000000002"
A, B = HouseholdKeyId(b"a" * 16), HouseholdKeyId(b"b" * 16)
ONE, TWO = new_device_id(), new_device_id()
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = [AT + timedelta(days=n) for n in range(10)]


@pytest.fixture
def cloud(tmp_path):
    make_cloud(tmp_path)
    return tmp_path


@pytest.fixture
def store(cloud):
    store = SqliteStore.open(cloud)
    yield store
    store.close()


def put(cloud, store, household, device, prm, at):
    store.enrol(Device(device, bytes(32), household, at))
    meter = None if prm is None else seal_meter(cloud, prm, household)
    store.put_place(SupplyPoint(household, device, meter, at))


def spans(reports):
    return [(each.household[:2], each.device, each.since, each.until) for each in reports]


def test_a_house_and_the_people_who_lived_in_it(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    put(cloud, store, A, TWO, OTHER, DAYS[3])
    put(cloud, store, B, ONE, PRM, DAYS[5])
    a, b = A.hex()[:2], B.hex()[:2]
    day = [at.isoformat() for at in DAYS]
    found = look_up(cloud, store, PRM, ("agent", "a question"), AT)
    assert spans(found) == [(a, ONE, day[0], day[3]), (b, ONE, day[5], None)]
    assert {each.prm for each in found} == {PRM}
    found = look_up(cloud, store, OTHER, ("agent", "a question"), AT)
    assert spans(found) == [(a, TWO, day[3], None)]
    everything = look_up(cloud, store, None, ("agent", "a question"), AT)
    assert [each.prm for each in everything] == [PRM, OTHER, PRM]
    assert spans(list_places(store)) == [(a, TWO, day[3], None), (b, ONE, day[5], None)]
    assert all(each.prm is None and each.has_prm for each in list_places(store))


def test_a_meter_told_later_is_filled_in_and_the_same_again_changes_nothing(cloud, store):
    put(cloud, store, A, ONE, None, DAYS[0])
    assert not list_places(store)[0].has_prm
    put(cloud, store, A, ONE, PRM, DAYS[1])
    put(cloud, store, A, ONE, PRM, DAYS[2])
    put(cloud, store, A, ONE, None, DAYS[3])
    (found,) = look_up(cloud, store, PRM, ("agent", "a question"), AT)
    assert (found.since, found.until) == (DAYS[0].isoformat(), None)


def test_another_chip_at_the_same_meter_ends_who_was_there(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    put(cloud, store, B, TWO, PRM, DAYS[2])
    first, second = store.places()
    assert (first.until, second.until) == (DAYS[2], None)


def test_a_household_that_left_and_came_back_has_two_entries(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    store.leave(A, ONE, date(2026, 3, 2))
    put(cloud, store, A, ONE, PRM, DAYS[4])
    first, second = store.places()
    assert (first.last_day, first.until) == (date(2026, 3, 2), DAYS[4])
    assert (second.last_day, second.until) == (None, None)


def test_nothing_of_a_number_is_in_the_store(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    put(cloud, store, B, TWO, PRM, DAYS[1])
    first, second = store.places()
    assert first.meter.tag == second.meter.tag
    assert first.meter.sealed != second.meter.sealed
    store.close()
    for path in cloud.glob("store.db*"):
        assert PRM.encode() not in path.read_bytes()
    assert stat.S_IMODE((cloud / places.KEY).stat().st_mode) == 0o600


def test_another_key_opens_nothing_and_finds_nothing(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    (cloud / places.KEY).write_bytes(bytes(32))
    (place,) = store.places()
    with pytest.raises(ConfigError, match="not the key of this store"):
        open_meter(cloud, place)
    assert look_up(cloud, store, PRM, ("agent", "a question"), AT) == []
    (cloud / places.KEY).unlink()
    with pytest.raises(ConfigError, match="put it back from a copy"):
        open_meter(cloud, place)


def test_an_entry_under_another_household_does_not_open(cloud, store):
    """Sealed numbers cannot be swapped between households."""
    put(cloud, store, A, ONE, PRM, DAYS[0])
    (place,) = store.places()
    swapped = SupplyPoint(B, place.device, place.meter, place.since)
    with pytest.raises(ConfigError, match="not the key"):
        open_meter(cloud, swapped)


@pytest.mark.parametrize("number", ["", "2150000000000", "215000000000011", "2150000000000a"])
def test_what_is_no_number_of_a_delivery_point_is_refused(cloud, store, number):
    with pytest.raises(DocumentRefused, match="14 digits"):
        seal_meter(cloud, number, A)
    with pytest.raises(DocumentRefused, match="14 digits"):
        look_up(cloud, store, number, ("agent", "a question"), AT)


def test_a_look_up_is_written_down_before_anything_is_read(cloud, store, monkeypatch):
    put(cloud, store, A, ONE, PRM, DAYS[0])

    def fail(*_):
        raise ConfigError("not now")

    monkeypatch.setattr(places, "open_meter", fail)
    with pytest.raises(ConfigError):
        look_up(cloud, store, PRM, ("agent", "a question"), AT)
    (written,) = store.look_ups()
    assert (written.who, written.why, written.at) == ("agent", "a question", AT)
    assert PRM not in written.what


def test_a_look_up_has_a_reason(cloud, store):
    for reason in ("", "  "):
        with pytest.raises(DocumentRefused, match="has a reason"):
            look_up(cloud, store, PRM, ("agent", reason), AT)
    assert store.look_ups() == ()


@pytest.mark.parametrize("change", ["DELETE FROM look_up", "UPDATE look_up SET who = 'nobody'"])
def test_what_was_looked_up_is_never_changed(cloud, store, change):
    store.put_look_up(LookUp(AT, "agent", "all", "a question"))
    store.close()
    with closing(sqlite3.connect(cloud / "store.db")) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)
        connection.rollback()


def test_the_commands_look_up_list_and_audit(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])

    def run(*arguments):
        done = CliRunner().invoke(registry, [*arguments, "--dir", str(cloud)])
        assert done.exit_code == 0, done.output
        return done.output

    assert "recorded" in run("list")
    assert PRM not in run("list")
    assert PRM in run("history", "--prm", PRM, "--why", "court order")
    (told,) = json.loads(run("history", "--why", "yearly check", "--json"))
    assert told["prm"] == PRM
    audit = json.loads(run("audit", "--json"))
    assert [each["why"] for each in audit] == ["court order", "yearly check"]
    assert "court order" in run("audit")
    assert CliRunner().invoke(registry, ["history", "--dir", str(cloud)]).exit_code != 0


# What becomes of statements when a household goes to another chip


def order(store, household, device, number, *, is_seen=False):
    name = bytes([number]) * 16
    store.put_request(StatementOrder(name, bytes(32), household, b"request"), AT)
    store.settle([PublishedStatement(name, device, b"statement")], [], AT)
    if is_seen:
        store.mark_seen([SeenStatement(household, name)], AT)
    return name


def write(store, household, number):
    """Store a provider's message and mark it as published."""
    name = bytes([number]) * 16
    letter = StoredLetter(name, bytes(32), household, b"letter", LetterState.PENDING, AT)
    store.providers.put_letter(letter)
    store.providers.mark_letters_published([name])
    return name


def test_unseen_statements_follow_the_household_and_all_are_cleared_from_the_broker(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    unseen, seen = order(store, A, ONE, 1), order(store, A, ONE, 2, is_seen=True)
    put(cloud, store, B, new_device_id(), None, DAYS[0])
    put(cloud, store, A, TWO, OTHER, DAYS[3])
    assert store.clearings() == ((ONE, unseen), (ONE, seen))
    assert [store.request(name).state for name in (unseen, seen)] == ["pending", "seen"]
    assert store.request(unseen).statement is None
    store.cleared(store.clearings())
    assert store.clearings() == ()


def test_a_new_occupant_gets_nothing_that_was_published_for_the_old_one(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    unseen = order(store, A, ONE, 1)
    put(cloud, store, B, ONE, PRM, DAYS[3])
    assert store.clearings() == ((ONE, unseen),)
    assert store.request(unseen).state == "pending"
    assert store.device_of(A) is None


def test_unseen_provider_messages_follow_the_household_and_are_cleared(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    published = write(store, A, 1)
    seen = write(store, A, 2)
    store.providers.mark_letters_seen([(A, seen)])
    put(cloud, store, A, TWO, OTHER, DAYS[3])
    assert (ONE, published) in store.clearings()
    due = store.providers.letters_in(LetterState.PENDING, -1)
    assert [(letter.id, device) for letter, device in due] == [(published, TWO)]


def test_nothing_is_published_again_for_a_revoked_chip(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    unseen, message = order(store, A, ONE, 1), write(store, A, 2)
    store.revoke(ONE)
    assert store.requests(RequestState.PUBLISHED) == ()
    assert store.providers.letters_in(LetterState.PUBLISHED, -1) == ()
    put(cloud, store, A, TWO, OTHER, DAYS[3])
    assert [each.order.id for each in store.requests(RequestState.PENDING)] == [unseen]
    due = store.providers.letters_in(LetterState.PENDING, -1)
    assert [(letter.id, device) for letter, device in due] == [(message, TWO)]


def test_an_enrolment_again_of_the_same_chip_clears_nothing(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    published = order(store, A, ONE, 1)
    put(cloud, store, A, ONE, PRM, DAYS[3])
    assert store.clearings() == ()
    assert store.request(published).state == "published"


def test_a_statement_computed_while_the_household_moved_is_made_anew(cloud, store):
    put(cloud, store, A, ONE, PRM, DAYS[0])
    put(cloud, store, A, TWO, OTHER, DAYS[3])
    late = order(store, A, ONE, 1)
    assert store.request(late).state == "pending"
    assert store.clearings() == ((ONE, late),)
    store.settle([PublishedStatement(late, TWO, b"statement")], [], AT)
    assert store.request(late).device == TWO


def test_of_two_terminations_the_earlier_one_holds(cloud, store):
    del cloud
    day = date(2026, 3, 2)
    store._db.execute("PRAGMA foreign_keys = OFF")
    assert store.put_termination(bytes(32), day, b"document", AT) == "stored"
    assert store.put_termination(bytes(32), day, b"document", AT) == "again"
    later, earlier = day + timedelta(days=1), day - timedelta(days=1)
    assert store.put_termination(bytes(32), later, b"document", AT) == "again"
    assert store.put_termination(bytes(32), earlier, b"document", AT) == "stored"
    assert store.put_termination(bytes(32), day, b"document", AT) == "again"


def test_identities_are_kept_with_their_latest_mandate(store):
    assert store.identity(A) is None
    store.put_identity(A, StoredIdentity(bytes(32), 5))
    store.put_identity(A, StoredIdentity(bytes(32), 9))
    assert store.identity(A) == StoredIdentity(bytes(32), 9)
    assert store.identity(B) is None
    assert store.last_block_day(A) is None


# Stores of before


@pytest.mark.parametrize("version", range(1, schema.SCHEMA_VERSION))
def test_a_store_of_each_older_version_is_upgraded_with_its_enrolments(tmp_path, version):
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema._TABLES)
        for older in range(1, version):
            connection.executescript(schema._UPGRADES[older])
        connection.execute("INSERT INTO store VALUES (?)", [bytes(8)])
        connection.execute("INSERT INTO household (key) VALUES (?)", [A])
        connection.execute(
            "INSERT INTO enrolment VALUES (?, 1, ?, ?, NULL, 0)",
            [ONE, bytes(32), int(AT.timestamp())],
        )
        if version > 3:  # a store that knows places has put this one
            connection.execute(
                "INSERT INTO place (household, device, since) VALUES (1, ?, ?)",
                [ONE, int(AT.timestamp())],
            )
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    store = SqliteStore.open(tmp_path)
    try:
        assert store.places() == (SupplyPoint(A, ONE, None, AT),)
        assert store.identity(A) is None
        assert store.contracts() == ()
    finally:
        store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 100")
    with pytest.raises(StoreError, match="this Volet reads"):
        SqliteStore.open(tmp_path)


def test_a_request_that_serves_again_keeps_start_and_departure(cloud, store, monkeypatch):
    draw_keys(cloud / "chip")
    keys = load_keys(cloud / "chip")
    first, at_ns = make_request(keys, None, None), time.time_ns() + 1_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: at_ns)
    second = make_request(keys, None, None)
    enrol(cloud, store, first, DAYS[0])
    (before,) = list_places(store)
    store.leave(keys.household.id, DeviceId(before.device), DAYS[3].date())
    (left,) = list_places(store)
    assert (left.since, left.last_day) == (before.since, str(DAYS[3].date()))
    enrol(cloud, store, first, DAYS[4], PRM)
    assert list_places(store) == [msgspec.structs.replace(left, has_prm=True)]
    enrol(cloud, store, second, DAYS[5])
    (anew,) = list_places(store)
    assert (anew.since, anew.last_day) == (DAYS[5].isoformat(), None)
