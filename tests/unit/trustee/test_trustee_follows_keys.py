"""What a trustee takes of the collectivity's keys, and what it refuses and keeps."""

from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.registry.key_files import (
    load_ed25519_key,
    load_key_list,
    load_root,
    load_signed_list,
    load_trusted,
)
from cloud.registry.roll_over import roll_over_platform, roll_over_registrar
from cloud.roster import registrar
from protocol.calendar import day_number, legal_day
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.key_list import KeyUse, ListedKey, sign_key_list, sign_successor
from protocol.roster import FIRST_PREVIOUS, Roster, RosterEntry, sign_entry
from tests.support.broker import COLLECTIVITY, make_cloud
from trustee.keys import FORK, CollectivityKeys
from trustee.log import TrusteeLog

NOW = datetime.now(UTC)
TODAY = day_number(legal_day(NOW))


@pytest.fixture
def cloud(tmp_path):
    make_cloud(tmp_path / "cloud")
    return tmp_path / "cloud"


@pytest.fixture
def log(tmp_path):
    log = TrusteeLog.open(tmp_path)
    yield log
    log.close()


def payload(cloud):
    return msgspec.msgpack.encode(load_signed_list(cloud))


def followed(cloud):
    first = load_key_list(cloud).platform[0].key
    roll_over_platform(cloud, cloud / "root", NOW, legal_day(NOW), legal_day(NOW))
    return first, load_key_list(cloud).platform[1].key


def test_a_trustee_follows_the_platforms_key_and_knows_it_after_a_restart(cloud, log):
    first, second = followed(cloud)
    keys = CollectivityKeys(log, COLLECTIVITY, load_trusted(cloud))
    assert keys.successors(KeyUse.PLATFORM, first) == (first,)
    keys.take(payload(cloud))
    for known in (keys, CollectivityKeys(log, COLLECTIVITY, ())):
        assert known.successors(KeyUse.PLATFORM, first) == (first, second)


def test_a_request_by_a_key_that_has_ended_is_refused(cloud, log):
    first, _ = followed(cloud)
    keys = CollectivityKeys(log, COLLECTIVITY, load_trusted(cloud))
    keys.take(payload(cloud))

    class Set:
        collectivity_key = first

    verifying = keys.of_platform(Set, TODAY + 1)
    verifying.verify(load_ed25519_key(cloud / "platform-2.key").sign(b"data"), b"data")
    with pytest.raises(InvalidSignature):
        verifying.verify(load_ed25519_key(cloud / "platform.key").sign(b"data"), b"data")


def test_a_second_successor_is_refused_and_kept_as_proof(cloud, log):
    before = load_key_list(cloud)
    followed(cloud)
    other = ListedKey(Ed25519PrivateKey.generate().public_key().public_bytes_raw(), TODAY, TODAY)
    signed = sign_successor(
        COLLECTIVITY, KeyUse.PLATFORM, load_ed25519_key(cloud / "platform.key"), other
    )
    fork = sign_key_list(
        msgspec.structs.replace(before, platform=(*before.platform, signed)),
        load_root(cloud / "root").key,
    )
    keys = CollectivityKeys(log, COLLECTIVITY, load_trusted(cloud))
    keys.take(payload(cloud))
    with pytest.raises(MessageRefused) as refused:
        keys.take(msgspec.msgpack.encode(fork))
    assert refused.value.reason is Reason.CONFLICT
    assert log.fact(FORK) == msgspec.msgpack.encode(fork)


def entry(roster, key):
    household = bytes([len(roster)]) * 16
    return sign_entry(
        RosterEntry(
            len(roster),
            roster.head,
            household,
            "a" * 26,
            bytes(32),
            household * 2,
            "751010101",
            "",
            1,
        ),
        key,
    )


def test_the_roster_goes_on_under_the_next_registrar_and_never_back(cloud, tmp_path):
    registrar.draw(tmp_path / "one")
    succession = registrar.succeed(tmp_path / "one", tmp_path / "two", COLLECTIVITY, legal_day(NOW))
    roll_over_registrar(cloud, cloud / "root", succession)
    one, two = (registrar.load(tmp_path / name) for name in ("one", "two"))
    assert one.salt == two.salt
    roster = Roster(one.public_key, load_key_list(cloud).successors)
    assert roster.head == FIRST_PREVIOUS
    for own in (one, one, two, two):
        roster.append(entry(roster, own.key))
    for stranger in (one.key, Ed25519PrivateKey.generate()):
        with pytest.raises(DocumentRefused, match="registrar has not signed"):
            roster.append(entry(roster, stranger))


def test_a_second_successor_of_a_registrar_is_not_listed(cloud, tmp_path):
    registrar.draw(tmp_path / "one")
    for name in ("two", "three"):
        succession = registrar.succeed(
            tmp_path / "one", tmp_path / name, COLLECTIVITY, legal_day(NOW)
        )
        if name == "two":
            roll_over_registrar(cloud, cloud / "root", succession)
    with pytest.raises(DocumentRefused, match="Another key"):
        roll_over_registrar(cloud, cloud / "root", succession)
