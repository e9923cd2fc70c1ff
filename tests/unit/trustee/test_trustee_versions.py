"""A trustee writes in the version of the wire that the collectivity has put in use."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import versions
from protocol.envelope import ALL, Address, seal_message, version_of
from protocol.messages import Hub
from protocol.topics import PublicKind, hub_topic
from system.mqtt.message import Incoming
from tests.support.next_version import NEXT
from tests.support.trustee_area import COLLECTIVITY, TrusteeArea
from trustee.service import TrusteeTransport


@pytest.fixture
def area(monkeypatch):
    monkeypatch.setattr(versions, "VERSIONS", NEXT)
    return TrusteeArea()


def announced(version, key):
    address = Address(COLLECTIVITY, ALL, PublicKind.HUB)
    return Incoming(hub_topic(COLLECTIVITY), seal_message(address, Hub(version, 1), key))


def written_in(transport):
    return {version_of(message.payload) for message in transport.known() if message.payload}


def test_it_follows_the_version_in_use_up_to_its_newest(area):
    transport = TrusteeTransport(area.trustee())
    assert written_in(transport) == {1}
    for in_use, written in ((2, 2), (1, 1), (9, 2)):
        transport.take([announced(in_use, area.platform_key)])
        assert written_in(transport) == {written}


def test_a_strangers_word_changes_nothing_and_costs_nothing(area):
    transport = TrusteeTransport(area.trustee())
    assert transport.take([announced(2, Ed25519PrivateKey.generate())]) == []
    assert written_in(transport) == {1}
