"""Another chip speaks for a household only if both want it: the chip's key and the household's."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.registry import enrolment
from cloud.registry.enrolment import enrol
from cloud.store.sqlite.store import SqliteStore
from edge.contracts.enrolling import draw_keys, make_request
from edge.identity.keys import load_keys
from edge.stage import HOUSEHOLD_KEY
from protocol.contract import sign_document
from protocol.enrolment import EnrolmentRequest
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.keys import HouseholdSecret
from protocol.moving import Mandate, check_mandate, give_mandate
from tests.support.broker import make_cloud

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def cloud(tmp_path):
    make_cloud(tmp_path / "cloud")
    return tmp_path / "cloud"


@pytest.fixture
def store(cloud):
    opened = SqliteStore.open(cloud)
    yield opened
    opened.close()


def chip(folder, household: HouseholdSecret | None = None):
    """Draw a chip's keys; give it a household's instead of its own."""
    draw_keys(folder)
    if household is not None:
        (folder / "keys" / HOUSEHOLD_KEY).write_bytes(household.to_bytes())
    return load_keys(folder)


@pytest.fixture
def first(tmp_path):
    return chip(tmp_path / "first")


@pytest.fixture
def second(tmp_path, first):
    """The chip to which the household goes."""
    return chip(tmp_path / "second", first.household)


def changed(keys, signer=None, **changes):
    made = decode_body(make_request(keys, None, None).body, EnrolmentRequest)
    return sign_document(msgspec.structs.replace(made, **changes), signer or keys.signing_key)


def now_ms():
    return time.time_ns() // 1_000_000


def claim(thief, victim):
    """The thief's chip mandated by the thief's own identity in the victim's name."""
    made = decode_body(make_request(thief, None, None).body, EnrolmentRequest)
    pretender = SimpleNamespace(id=victim.household.id, identity=thief.household.identity)
    mandate = give_mandate(pretender, made.signing_key, made.csr_pem, now_ms())
    claimed = msgspec.structs.replace(made, household_key=victim.household.id, mandate=mandate)
    return sign_document(claimed, thief.signing_key)


def test_a_household_goes_on_on_the_chip_that_it_mandates(cloud, store, first, second):
    one = enrol(cloud, store, make_request(first, None, None), NOW).device
    two = enrol(cloud, store, make_request(second, None, None), LATER).device
    assert one != two
    assert store.device_of(first.household.id).device == two
    assert [each.device for each in store.devices()] == [two]


def test_it_may_come_back(cloud, store, first, second):
    one = enrol(cloud, store, make_request(first, None, None), NOW).device
    enrol(cloud, store, make_request(second, None, None), LATER)
    again = enrol(cloud, store, make_request(first, None, None), LATER).device
    assert again == one
    assert store.device_of(first.household.id).device == one


def test_neither_half_suffices(cloud, store, tmp_path, first, second):
    """The household alone cannot name a chip, and no chip can name a household."""
    enrol(cloud, store, make_request(first, None, None), NOW)
    thief = chip(tmp_path / "thief")
    theirs = decode_body(make_request(second, None, None).body, EnrolmentRequest)
    attempts = [
        # A mandate to the second chip, handed in by the thief's.
        changed(thief, household_key=first.household.id, mandate=theirs.mandate),
        # The thief's own identity for the household.
        claim(thief, first),
        # Signed by the thief in the second chip's name.
        changed(second, signer=thief.signing_key),
        # The second chip's mandate, made to look later.
        changed(second, mandate=msgspec.structs.replace(theirs.mandate, made_at=now_ms() + 1)),
        changed(second, mandate=msgspec.structs.replace(theirs.mandate, signature=bytes(64))),
    ]
    for attempt in attempts:
        with pytest.raises(DocumentRefused):
            enrol(cloud, store, attempt, LATER)
    assert store.device_of(first.household.id).signing_key == first.signing_public


def test_an_old_mandate_moves_nobody(cloud, store, first, second):
    to_second = make_request(second, None, None)
    enrol(cloud, store, make_request(first, None, None), NOW)
    with pytest.raises(DocumentRefused, match="mandated a chip after"):
        enrol(cloud, store, to_second, LATER)
    assert store.device_of(first.household.id).signing_key == first.signing_public


def test_a_mandate_of_the_future_is_refused_as_it_would_be_the_last(cloud, store, first):
    made = decode_body(make_request(first, None, None).body, EnrolmentRequest)
    late = give_mandate(first.household, made.signing_key, made.csr_pem, now_ms() + 2 * 86_400_000)
    request = sign_document(msgspec.structs.replace(made, mandate=late), first.signing_key)
    with pytest.raises(DocumentRefused, match="set the chip's clock"):
        enrol(cloud, store, request, NOW)
    assert store.devices() == ()


def test_a_chip_that_speaks_may_hand_its_request_in_again(cloud, store, first):
    request = make_request(first, None, None)
    one = enrol(cloud, store, request, NOW)
    enrol(cloud, store, make_request(first, None, None), LATER)
    assert enrol(cloud, store, request, LATER).device == one.device


def test_an_enrolment_of_before_there_were_identities_is_revoked_first(cloud, store, first, second):
    one = enrol(cloud, store, make_request(first, None, None), NOW).device
    store._db.execute("UPDATE household SET identity = NULL, mandated_at = 0")
    store._db.conn.commit()
    with pytest.raises(DocumentRefused, match=f"revoke that one first.*{one}"):
        enrol(cloud, store, make_request(second, None, None), LATER)
    enrol(cloud, store, make_request(first, None, None), LATER)
    enrol(cloud, store, make_request(second, None, None), LATER)
    assert store.device_of(first.household.id).device != one


def test_a_chip_of_another_household_starts_anew_under_its_own_name(cloud, store, tmp_path, first):
    one = enrol(cloud, store, make_request(first, None, None), NOW).device
    (tmp_path / "first" / "keys" / HOUSEHOLD_KEY).unlink()
    draw_keys(tmp_path / "first")
    erased = load_keys(tmp_path / "first")
    assert enrol(cloud, store, make_request(erased, None, None), LATER).device == one
    (device,) = store.devices()
    assert (device.device, device.household_key) == (one, erased.household.id)
    assert store.device_of(first.household.id) is None


@pytest.mark.parametrize("broken", ["mandate", "identity", "time"])
def test_each_check_is_what_keeps_the_household(
    cloud, store, tmp_path, first, second, monkeypatch, broken
):
    """With one check broken, the attack that it keeps away succeeds."""
    to_second = make_request(second, None, None)
    enrol(cloud, store, make_request(first, None, None), NOW)
    thief = chip(tmp_path / "thief")
    mandate = decode_body(to_second.body, EnrolmentRequest).mandate
    late = msgspec.structs.replace(mandate, made_at=now_ms())
    if broken == "mandate":
        monkeypatch.setattr(enrolment, "check_mandate", lambda *_: None)
        attack = changed(thief, household_key=first.household.id, mandate=late)
    elif broken == "identity":
        known = store.identity(first.household.id)
        own = thief.household.identity.public_key().public_bytes_raw()
        store.put_identity(first.household.id, msgspec.structs.replace(known, identity=own))
        attack = claim(thief, first)
    else:
        known = store.identity(first.household.id)
        store.put_identity(first.household.id, msgspec.structs.replace(known, mandated_at=0))
        attack = to_second
    enrol(cloud, store, attack, LATER)
    assert store.device_of(first.household.id).signing_key != first.signing_public


def test_a_mandate_is_for_one_chip_one_household_and_one_time(first, second):
    terms = (second.signing_public, b"csr")
    mandate = give_mandate(first.household, *terms, 7)
    check_mandate(mandate, first.household.id, *terms)
    for changes in ({"made_at": 8}, {"signature": bytes(64)}, {"identity": _other_identity()}):
        with pytest.raises(DocumentRefused, match="has not consented"):
            check_mandate(msgspec.structs.replace(mandate, **changes), first.household.id, *terms)
    with pytest.raises(DocumentRefused):
        check_mandate(mandate, bytes(16), *terms)
    with pytest.raises(DocumentRefused):
        check_mandate(mandate, first.household.id, first.signing_public, b"csr")
    with pytest.raises(DocumentRefused):
        check_mandate(mandate, first.household.id, second.signing_public, b"another")


@pytest.mark.parametrize("made_at", [0, 2**53])
def test_a_mandates_time_is_read_within_its_limits(made_at):
    mandate = Mandate(bytes(32), made_at, bytes(64))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(mandate), type=Mandate) == mandate
    beyond = msgspec.structs.replace(mandate, made_at=made_at + (1 if made_at else -1))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(beyond), type=Mandate)


def _other_identity():
    return Ed25519PrivateKey.generate().public_key().public_bytes_raw()
