"""Two versions of the wire side by side: each reads the other, and neither takes one for the other."""

import pytest

from protocol import versions
from protocol.envelope import open_message, seal_message, version_of
from protocol.errors import MessageRefused
from protocol.topics import Kind
from protocol.versions import Versions
from tests.support.next_version import NEXT
from tests.unit.protocol.test_envelope import BODIES, KEY, address

CHANGED = (Kind.SEEN, Kind.EPOCH, Kind.BLOCK, Kind.ACK, Kind.FETCH, Kind.STATEMENT)


@pytest.fixture
def next_version(monkeypatch):
    monkeypatch.setattr(versions, "VERSIONS", NEXT)


def opened(kind, payload):
    return open_message(address(kind), payload, KEY.public_key(), type(BODIES[kind]))


@pytest.mark.usefixtures("next_version")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("kind", [kind for kind in BODIES if kind is not Kind.QUOTE])
def test_a_body_is_the_same_in_whichever_version_it_travels(kind, version):
    payload = seal_message(address(kind), BODIES[kind], KEY, version)
    assert version_of(payload) == version
    assert opened(kind, payload) == BODIES[kind]


@pytest.mark.parametrize("kind", CHANGED)
def test_a_changed_body_is_refused_by_the_version_before(kind, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(versions, "VERSIONS", NEXT)
        payload = seal_message(address(kind), BODIES[kind], KEY, 2)
    with pytest.raises(MessageRefused, match="unknown_version"):
        opened(kind, payload)


@pytest.mark.usefixtures("next_version")
@pytest.mark.parametrize("kind", CHANGED)
def test_a_payload_cannot_be_taken_for_another_version(kind):
    payload = bytearray(seal_message(address(kind), BODIES[kind], KEY, 2))
    payload[1] = 1
    with pytest.raises(MessageRefused, match="bad_signature"):
        opened(kind, bytes(payload))


@pytest.mark.usefixtures("next_version")
def test_what_a_version_has_no_words_for_is_not_written():
    with pytest.raises(MessageRefused, match="unknown_version"):
        seal_message(address(Kind.QUOTE), BODIES[Kind.QUOTE], KEY, 2)


@pytest.mark.usefixtures("next_version")
def test_who_names_no_version_writes_what_everybody_reads():
    payload = seal_message(address(Kind.SEEN), BODIES[Kind.SEEN], KEY)
    assert version_of(payload) == 1


def test_both_parties_choose_the_newest_version_that_both_know():
    for ours in range(1, 6):
        for theirs in range(max(1, ours - 1), ours + 2):
            one, other = Versions(ours), Versions(theirs)
            common = one.common_with(theirs)
            assert common == other.common_with(ours) == min(ours, theirs)
            assert one.is_read(common)
            assert other.is_read(common)
