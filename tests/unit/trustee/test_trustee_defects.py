"""A message that meets a defect of the trustee's program costs that message and no other."""

import pytest

from protocol.topics import Kind, device_topic
from system.mqtt.message import Incoming
from trustee.core import TrusteeCore, TrusteeIdentity
from trustee.log import TrusteeLog
from trustee.service import TrusteeTransport

COLLECTIVITY = "ville"


@pytest.fixture
def trustee():
    log = TrusteeLog.in_memory()
    yield TrusteeCore(TrusteeIdentity.draw(COLLECTIVITY, "trustee-a"), log)
    log.close()


def test_an_error_of_one_message_leaves_the_next_to_be_handled(trustee, monkeypatch):
    taken = []

    def take(_self, _topic, payload):
        taken.append(payload)
        if payload == b"bad":
            raise KeyError("a defect of this program")

    monkeypatch.setattr(TrusteeCore, "take_key_shares", take)
    topic = device_topic(COLLECTIVITY, "d" * 26, Kind.KEY)
    transport = TrusteeTransport(trustee)
    transport.take([Incoming(topic, b"bad"), Incoming(topic, b"good")])
    assert taken == [b"bad", b"good"]
