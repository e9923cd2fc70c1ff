"""A message that meets a defect of the trustee's program costs that message and no other."""

import pytest

from cloud.release.pages import request_pages
from protocol.envelope import Address, seal_message
from protocol.topics import Kind, TrusteeKind, device_topic, trustee_topic
from protocol.trustee_messages import Answer, FromPeer, Hello, Holding
from system.mqtt.message import Incoming
from tests.support.trustee_area import COLLECTIVITY, TrusteeArea, ask
from trustee.core import TrusteeCore
from trustee.identity import TrusteeIdentity
from trustee.log import TrusteeLog
from trustee.service import TrusteeTransport


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


def test_a_request_with_a_long_name_leaves_nothing_that_cannot_be_read():
    area = TrusteeArea()
    trustee = area.trustee()
    long = {"measure": "m" * 25, "group": "75"}, {"measure": "classes", "group": "g" * 49}
    for changes in long:
        for page in request_pages(area.request(**changes)):
            trustee.take(page)
    assert isinstance(ask(trustee, area.request()), Answer)


def test_a_number_that_no_database_holds_is_refused():
    area = TrusteeArea()
    trustee = area.trustee()
    transport = TrusteeTransport(trustee)
    holding = Holding("trustee-b", 2**63, bytes(32))
    payload = seal_message(
        Address(COLLECTIVITY, "trustee-b", TrusteeKind.LOG),
        FromPeer(Hello(bytes(16), (holding,))),
        area.identities[1].signing_key,
    )
    topic = trustee_topic(COLLECTIVITY, "trustee-b", TrusteeKind.LOG)
    assert transport.take([Incoming(topic, payload)]) == []
    assert trustee.set_aside.messages == ()


def test_a_waiting_letter_that_meets_a_defect_keeps_no_other_waiting(monkeypatch):
    area = TrusteeArea()
    trustee = area.trustee(teaches=False)
    for home in area.homes:
        trustee.take_key_shares(home.topic, area.letters(home))
    assert trustee.households == 0
    bad, take = area.near[0].topic, TrusteeCore.take_key_shares

    def fail_once(self, topic, payload):
        if topic == bad:
            raise KeyError("a defect of this program")
        return take(self, topic, payload)

    monkeypatch.setattr(TrusteeCore, "take_key_shares", fail_once)
    area.teach(trustee)
    assert trustee.households == len(area.homes) - 1
    assert [message.kind for message in trustee.set_aside.messages] == [Kind.KEY]
