"""What a chip takes of the collectivity's keys, what it keeps, and what it refuses."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.registry.authority import BACKDATED, new_issuer
from cloud.registry.key_files import (
    der,
    draw_ec_key,
    load_authority,
    load_ed25519_key,
    load_key_list,
    load_root,
    load_signed_list,
)
from cloud.registry.roll_over import roll_over_issuer, roll_over_platform, roll_over_root
from edge.identity.enrolment import load_identity
from edge.identity.platform_keys import (
    FORK,
    KEY_LIST,
    PlatformKeys,
    for_stored,
    read_known_keys,
)
from edge.language.choice import Lang
from edge.language.numbers import day_text
from edge.renewal.key_list import KeyListReader
from edge.status.words import _keys as keys_row
from protocol.calendar import legal_day
from protocol.errors import ConfigError, DocumentRefused, MessageRefused, Reason
from protocol.governance import NOTICE_DAYS
from protocol.key_list import KeyUse, ListedKey, sign_key_list, sign_successor
from tests.support.broker import enrol_chip, make_cloud

NOW = datetime.now(UTC)
TODAY = legal_day(NOW)


class Town:
    """A collectivity, one of its chips, and what the chip knows after each list."""

    def __init__(self, folder):
        self.cloud = folder / "cloud"
        make_cloud(self.cloud)
        self.root = self.cloud / "root"
        self.chip = folder / "chip"
        enrol_chip(self.cloud, self.chip)

    def payload(self):
        return msgspec.msgpack.encode(load_signed_list(self.cloud))

    def start(self, payload=None):
        """Start the chip; it takes a list."""
        identity = load_identity(self.chip)
        self.reader = KeyListReader(identity)
        if payload is not None:
            self.take(payload)
        return identity.platform_key

    def take(self, payload):
        assert self.reader.take(self.reader.topic, payload)

    def forged(self, **changes):
        """Return a list that the collectivity's root signed, and did not publish."""
        keys = msgspec.structs.replace(load_key_list(self.cloud), **changes)
        return msgspec.msgpack.encode(sign_key_list(keys, load_root(self.root).key))


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def signed_by(town, number):
    name = "platform.key" if number == 1 else f"platform-{number}.key"
    return load_ed25519_key(town.cloud / name).sign(b"data")


def is_taken(keys, signature):
    try:
        keys.verify(signature, b"data")
    except InvalidSignature:
        return False
    return True


def at(keys, day):
    """Return the same keys as on another day."""
    return PlatformKeys(
        keys.known[0], keys.key_list, lambda: datetime(*day.timetuple()[:3], 12, tzinfo=UTC)
    )


def test_both_keys_count_until_the_stated_day_and_one_after_it(town):
    roll_over_platform(town.cloud, town.root, NOW, TODAY, TODAY + timedelta(days=30))
    keys = town.start(town.payload())
    old, new = signed_by(town, 1), signed_by(town, 2)
    assert is_taken(keys, old)
    assert is_taken(keys, new)
    late = at(keys, TODAY + timedelta(days=31))
    assert not is_taken(late, old)
    assert is_taken(late, new)
    assert is_taken(for_stored(late), old)  # what was taken in its time stays


def test_what_a_chip_knows_survives_a_restart(town):
    roll_over_platform(town.cloud, town.root, NOW, TODAY, TODAY + timedelta(days=30))
    town.start(town.payload())
    assert is_taken(town.start(), signed_by(town, 2))


def test_a_chip_away_over_two_roll_overs_follows_by_the_newest_list_alone(town):
    for day in (0, 100):
        now = NOW + timedelta(days=day)
        begins = TODAY + timedelta(days=day)
        roll_over_platform(town.cloud, town.root, now, begins, begins)
    roll_over_issuer(town.cloud, town.root, NOW)
    keys = town.start(town.payload())
    later = at(keys, TODAY + timedelta(days=200))
    assert [is_taken(later, signed_by(town, number)) for number in (1, 2, 3)] == [
        False,
        False,
        True,
    ]


def test_an_older_list_is_ignored(town):
    before = town.payload()
    roll_over_issuer(town.cloud, town.root, NOW)
    town.start(town.payload())
    kept = (town.chip / KEY_LIST).read_bytes()
    town.take(before)
    assert (town.chip / KEY_LIST).read_bytes() == kept
    assert not (town.chip / FORK).exists()


def successor(key, predecessor):
    listed = ListedKey(key.public_key().public_bytes_raw(), 20_000, 20_000)
    return sign_successor("testville", KeyUse.PLATFORM, predecessor, listed)


def test_a_successor_that_the_root_did_not_sign_is_refused(town):
    """A thief of the online machine has the platform's key and the issuer's."""
    thief, stolen = Ed25519PrivateKey.generate(), load_ed25519_key(town.cloud / "platform.key")
    keys = load_key_list(town.cloud)
    changed = msgspec.structs.replace(keys, platform=(*keys.platform, successor(thief, stolen)))
    forged = sign_key_list(changed, load_authority(town.cloud).key)
    known = town.start(town.payload())
    with pytest.raises(MessageRefused) as refused:
        town.take(msgspec.msgpack.encode(forged))
    assert refused.value.reason is Reason.SIGNATURE
    assert not is_taken(known, thief.sign(b"data"))


def test_a_second_successor_of_one_key_is_refused_and_kept_as_proof(town):
    first = load_ed25519_key(town.cloud / "platform.key")
    other = Ed25519PrivateKey.generate()
    keys = load_key_list(town.cloud)
    forged = town.forged(platform=(*keys.platform, successor(other, first)))
    roll_over_platform(town.cloud, town.root, NOW)
    known = town.start(town.payload())
    for _ in range(2):
        with pytest.raises(MessageRefused) as refused:
            town.take(forged)
        assert refused.value.reason is Reason.CONFLICT
    assert not is_taken(known, other.sign(b"data"))
    assert (town.chip / FORK).exists()
    assert not is_taken(town.start(), other.sign(b"data"))


def test_the_root_alone_puts_no_key_before_that_of_the_enrolment(town):
    """A chip without a list cannot know what came before; a thief of the root could say anything."""
    thief, enrolled = Ed25519PrivateKey.generate(), load_key_list(town.cloud).platform[0].key
    before = ListedKey(thief.public_key().public_bytes_raw(), 0)
    after = sign_successor("testville", KeyUse.PLATFORM, thief, ListedKey(enrolled, 20_000, 40_000))
    known = town.start(town.forged(platform=(before, after)))
    assert is_taken(known, signed_by(town, 1))
    assert not is_taken(known, thief.sign(b"data"))


@pytest.mark.parametrize("is_by_earlier_version", [False, True])
def test_a_root_that_was_replaced_gives_a_new_chip_no_list(town, tmp_path, is_by_earlier_version):
    """Such a list would keep the chip from the true one, which contradicts it, for good."""
    first, old = load_key_list(town.cloud), load_root(town.root)
    roll_over_root(town.cloud, town.root, tmp_path / "stick", NOW)
    town.chip = tmp_path / "late"
    enrol_chip(town.cloud, town.chip)
    key = draw_ec_key(tmp_path / "issuer.key").public_key()
    issuers = (der(new_issuer(old, key, "testville", NOW)),)
    forged = sign_key_list(msgspec.structs.replace(first, issuers=issuers), old.key)
    if is_by_earlier_version:  # whose answers named both roots
        (town.chip / "ca.pem").write_bytes((town.cloud / "pki" / "ca.pem").read_bytes())
    town.start()
    why = "newest root" if is_by_earlier_version else "not signed by a root"
    with pytest.raises(MessageRefused, match=why):
        town.take(msgspec.msgpack.encode(forged))
    town.take(town.payload())
    assert load_identity(town.chip).platform_key.key_list == load_key_list(town.cloud)


def test_a_list_without_the_key_of_the_enrolment_is_refused(town):
    stranger = ListedKey(Ed25519PrivateKey.generate().public_key().public_bytes_raw(), 0)
    town.start()
    with pytest.raises(MessageRefused):
        town.take(town.forged(platform=(stranger,)))


def test_a_new_root_is_trusted_through_the_old_one(town, tmp_path):
    roll_over_root(town.cloud, town.root, tmp_path / "stick", NOW)
    town.start(town.payload())
    assert (town.chip / "ca.pem").read_bytes() == (tmp_path / "stick" / "root.pem").read_bytes()
    roll_over_issuer(town.cloud, tmp_path / "stick", NOW)
    town.start(town.payload())
    with pytest.raises(ConfigError, match="not the newest root"):
        roll_over_issuer(town.cloud, town.root, NOW)


@pytest.mark.parametrize("is_by_earlier_version", [False, True])
def test_a_chip_that_is_killed_between_list_and_root_drops_the_old_one_later(
    town, tmp_path, monkeypatch, is_by_earlier_version
):
    before = (town.chip / "ca.pem").read_bytes()
    roll_over_root(town.cloud, town.root, tmp_path / "stick", NOW)
    newest = (tmp_path / "stick" / "root.pem").read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("edge.renewal.key_list.write_public", killed)
        with pytest.raises(KeyboardInterrupt):
            town.start(town.payload())
    assert (town.chip / "ca.pem").read_bytes() == before
    if is_by_earlier_version:  # which kept both
        (town.chip / "ca.pem").write_bytes(newest + before)
    keys = town.start()
    assert keys.key_list == load_key_list(town.cloud)
    town.take(town.payload())
    assert (town.chip / "ca.pem").read_bytes() == newest
    assert town.start(town.payload()).key_list == load_key_list(town.cloud)


def test_a_chip_enrolled_after_a_roll_over_never_trusts_the_old_root(town, tmp_path):
    roll_over_root(town.cloud, town.root, tmp_path / "stick", NOW)
    enrol_chip(town.cloud, tmp_path / "later")
    newest = (tmp_path / "stick" / "root.pem").read_bytes()
    assert (tmp_path / "later" / "ca.pem").read_bytes() == newest


@pytest.mark.parametrize("payload", [b"\xc0", b"", bytes(70_000), b"\x92\xc4\x00\xc4\x00"])
def test_what_is_no_list_changes_nothing(town, payload):
    town.start(town.payload())
    kept = (town.chip / KEY_LIST).read_bytes()
    if payload:
        with pytest.raises(MessageRefused):
            town.take(payload)
    else:
        town.take(payload)
    assert (town.chip / KEY_LIST).read_bytes() == kept


def test_a_damaged_list_on_the_card_is_a_sentence(town):
    (town.chip / KEY_LIST).write_text("junk")
    with pytest.raises(ConfigError, match="the chip gets it again"):
        load_identity(town.chip)


def test_another_successor_waits_until_the_last_one_has_begun(town):
    roll_over_platform(town.cloud, town.root, NOW)
    with pytest.raises(DocumentRefused, match="wait until then"):
        roll_over_platform(town.cloud, town.root, NOW)


def test_a_household_sees_which_key_was_replaced_last_and_when(town, tmp_path):
    town.start(town.payload())
    assert read_known_keys(town.chip).last is None
    roll_over_platform(town.cloud, town.root, NOW, TODAY, TODAY)
    roll_over_issuer(town.cloud, town.root, NOW + timedelta(days=9))
    for key, replaced, days in (("issuer", 2, 9), ("root", 4, 20)):
        if key == "root":
            roll_over_root(town.cloud, town.root, tmp_path / "next", NOW + timedelta(days=20))
        town.take(town.payload())
        shown = read_known_keys(town.chip)
        assert (shown.replaced, shown.last.key) == (replaced, key)
        backdated = NOW + timedelta(days=days) - BACKDATED
        assert shown.last.day == legal_day(backdated)
        (english,), (french,) = (keys_row(shown, lang) for lang in (Lang.EN, Lang.FR))
        assert f"{replaced} times, last" in english[1]
        assert day_text(shown.last.day, Lang.FR) in french[1]


def test_a_household_sees_keys_that_were_replaced_and_lists_that_contradict(town):
    first = load_ed25519_key(town.cloud / "platform.key")
    keys = load_key_list(town.cloud)
    forged = town.forged(platform=(*keys.platform, successor(Ed25519PrivateKey.generate(), first)))
    roll_over_platform(town.cloud, town.root, NOW)
    assert read_known_keys(town.chip) is None
    town.start(town.payload())
    shown = read_known_keys(town.chip)
    assert (shown.roots, len(shown.issuers), shown.platform_keys) == (1, 1, 2)
    assert not shown.is_forked
    assert (shown.replaced, shown.last.key) == (1, "platform")
    assert shown.last.day == TODAY + timedelta(days=NOTICE_DAYS)
    with pytest.raises(MessageRefused):
        town.take(forged)
    assert read_known_keys(town.chip).is_forked
