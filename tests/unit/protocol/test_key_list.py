"""The key list: what a root signs, what follows what, and which two lists are a fork."""

from datetime import UTC, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from cloud.registry.authority import Authority, new_issuer, new_root, vouch_for
from protocol.errors import DocumentRefused
from protocol.key_list import (
    KeyList,
    KeyUse,
    ListedKey,
    ListedRoot,
    SignedKeyList,
    open_key_list,
    sign_key_list,
    sign_successor,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TODAY = 20_500
PLATFORM = KeyUse.PLATFORM


def draw_root() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(key, new_root(key, "town", NOW))


def draw_issuer(root: Authority) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return new_issuer(root, key.public_key(), "town", NOW).public_bytes(Encoding.DER)


def der(root: Authority) -> bytes:
    return root.certificate.public_bytes(Encoding.DER)


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


ROOT, OTHER_ROOT = draw_root(), draw_root()
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(1, 6)]
ISSUERS = [draw_issuer(ROOT) for _ in range(4)]
FIRST = KeyList("town", (ListedRoot(der(ROOT)),), (ISSUERS[0],), (ListedKey(raw(KEYS[0]), 0),))


def followed(keys: KeyList, by: Ed25519PrivateKey, *, of=KEYS[0], begins=TODAY, ends=TODAY + 30):
    signed = sign_successor("town", PLATFORM, of, ListedKey(raw(by), begins, ends))
    return msgspec.structs.replace(keys, platform=(*keys.platform, signed))


SECOND = followed(FIRST, KEYS[1])


def opened(keys: KeyList, root: Authority = ROOT, trusted=(ROOT.certificate,)) -> KeyList:
    return open_key_list(sign_key_list(keys, root.key), trusted, "town")


def test_what_the_root_signed_opens():
    assert opened(FIRST) == FIRST
    assert opened(SECOND) == SECOND


@pytest.mark.parametrize("keys", [FIRST, SECOND])
def test_any_changed_byte_is_refused(keys):
    signed = sign_key_list(keys, ROOT.key)
    for place in range(len(signed.body)):
        body = bytearray(signed.body)
        body[place] ^= 1
        with pytest.raises(DocumentRefused):
            open_key_list(SignedKeyList(bytes(body), signed.signature), [ROOT.certificate], "town")


@pytest.mark.parametrize(
    ("keys", "root"),
    [
        (FIRST, OTHER_ROOT),
        (msgspec.structs.replace(FIRST, roots=(ListedRoot(der(OTHER_ROOT)),)), OTHER_ROOT),
        (msgspec.structs.replace(FIRST, issuers=(draw_issuer(OTHER_ROOT),)), ROOT),
        (msgspec.structs.replace(FIRST, issuers=(b"",)), ROOT),
        (followed(FIRST, KEYS[1], of=KEYS[2]), ROOT),
        (followed(FIRST, KEYS[0]), ROOT),
        (followed(FIRST, KEYS[1], begins=TODAY, ends=TODAY - 1), ROOT),
        (msgspec.structs.replace(FIRST, withdrawn=1), ROOT),
    ],
    ids=[
        "another root signed",
        "another root names itself",
        "an issuer of another root",
        "no certificate",
        "a successor that its predecessor did not sign",
        "a key that follows itself",
        "an end before the beginning",
        "no issuer that counts",
    ],
)
def test_a_forged_list_is_refused(keys, root):
    with pytest.raises(DocumentRefused):
        opened(keys, root)


def test_another_collectivitys_list_is_refused():
    with pytest.raises(DocumentRefused, match="another collectivity's"):
        open_key_list(sign_key_list(FIRST, ROOT.key), [ROOT.certificate], "village")


def with_root(keys: KeyList, by: Authority, new: Authority) -> KeyList:
    vouched = vouch_for(by, new.certificate, NOW).public_bytes(Encoding.DER)
    return msgspec.structs.replace(keys, roots=(*keys.roots, ListedRoot(der(new), vouched)))


def test_a_root_follows_one_that_signed_it_and_is_known_by_either():
    both = with_root(FIRST, ROOT, OTHER_ROOT)
    for known in (ROOT, OTHER_ROOT):
        assert opened(both, OTHER_ROOT, (known.certificate,)) == both
    with pytest.raises(DocumentRefused):
        opened(both, ROOT)  # the newest root signs
    with pytest.raises(DocumentRefused):
        opened(with_root(FIRST, OTHER_ROOT, OTHER_ROOT), OTHER_ROOT)


def test_a_key_counts_from_its_listing_until_its_successors_end_day():
    third = followed(SECOND, KEYS[2], of=KEYS[1], begins=TODAY + 100, ends=TODAY + 130)
    one, two, three = map(raw, KEYS[:3])
    assert third.taken_on(PLATFORM, TODAY + 29) == (three, two, one)
    assert third.taken_on(PLATFORM, TODAY + 30) == (three, two)
    assert third.taken_on(PLATFORM, TODAY + 130) == (three,)
    signing = [third.signing_on(PLATFORM, TODAY + day) for day in (-1, 0, 99, 100)]
    assert signing == [one, two, two, three]
    assert third.successors(PLATFORM, two) == (two, three)
    assert third.successors(PLATFORM, bytes(32)) == (bytes(32),)
    assert third.ever(KeyUse.REGISTRAR) == ()


@st.composite
def histories(draw):
    """Yield a list that has grown by some issuers and keys, and all its stages."""
    stages, newest = [FIRST], 0
    for is_key in draw(st.lists(st.booleans(), max_size=6)):
        last = stages[-1]
        if is_key and newest + 1 < len(KEYS):
            stages.append(followed(last, KEYS[newest + 1], of=KEYS[newest]))
            newest += 1
        else:
            stages.append(msgspec.structs.replace(last, issuers=(*last.issuers, ISSUERS[1])))
    return stages


@given(histories())
def test_each_later_stage_begins_with_each_earlier_one(stages):
    for place, stage in enumerate(stages):
        assert all(stage.begins_with(earlier) for earlier in stages[: place + 1])
        assert not any(stage.begins_with(later) for later in stages[place + 1 :])


def test_a_withdrawn_issuer_stays_withdrawn():
    two = msgspec.structs.replace(FIRST, issuers=(ISSUERS[0], ISSUERS[1]))
    withdrawn = msgspec.structs.replace(two, withdrawn=1)
    assert opened(withdrawn).withdrawn_issuers == (ISSUERS[0],)
    assert withdrawn.begins_with(two)
    assert not two.begins_with(withdrawn)


def test_two_successors_of_one_key_follow_neither_from_the_other():
    other = followed(FIRST, KEYS[3])
    assert not SECOND.begins_with(other)
    assert not other.begins_with(SECOND)
