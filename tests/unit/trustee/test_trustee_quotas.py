"""What chips and other trustees may send to a trustee in a day; beyond it, nothing is even read."""

import pytest
from structlog.testing import capture_logs

from protocol.envelope import Address, seal_message
from protocol.ids import DeviceId
from protocol.topics import TrusteeKind, trustee_topic
from protocol.trustee_messages import Entries, FromPeer, Hello, Synced, Wanted
from system.mqtt.message import Incoming
from system.pace import AT_ONCE
from tests.support.trustee_area import COLLECTIVITY, TrusteeArea
from trustee import peers
from trustee.quotas import KEYS_A_DAY, PEER_MESSAGES_A_DAY, PEER_QUESTIONS_A_DAY, Quotas
from trustee.service import TrusteeTransport


@pytest.fixture(scope="module")
def area():
    return TrusteeArea(homes=6, far=0)


@pytest.fixture
def trustee(area):
    return area.trustee()


@pytest.fixture
def transport(trustee):
    """A transport for which no time passes, however long a flood takes to be handled."""
    made = TrusteeTransport(trustee)
    made._quotas = Quotas(lambda: 0.0)
    return made


def said(area, message, number=1):
    identity = area.identities[number]
    address = Address(COLLECTIVITY, DeviceId(identity.name), TrusteeKind.LOG)
    payload = seal_message(address, FromPeer(message), identity.signing_key)
    return Incoming(trustee_topic(COLLECTIVITY, identity.name, TrusteeKind.LOG), payload)


def count_calls(monkeypatch, target, name):
    calls, right = [], getattr(target, name)

    def counting(*arguments, **options):
        calls.append(arguments)
        return right(*arguments, **options)

    monkeypatch.setattr(target, name, counting)
    return calls


def test_a_chip_that_floods_its_key_costs_a_trustee_no_more_than_its_day(
    area, trustee, transport, monkeypatch
):
    home, other = area.near[:2]
    taken = count_calls(monkeypatch, trustee, "take_key_shares")
    flood = [Incoming(home.topic, b"x" * 100)] * (2 * KEYS_A_DAY)
    with capture_logs() as logs:
        transport.take(flood)
    assert len(taken) == KEYS_A_DAY * AT_ONCE
    assert "over_quota" in {each.get("reason") for each in logs}
    transport.take([Incoming(other.topic, area.letters(other, generation=2))])
    assert len(taken) == KEYS_A_DAY * AT_ONCE + 1


@pytest.mark.parametrize("question", [Hello(bytes(16), ()), Wanted((bytes(32),))])
def test_a_trustee_that_asks_without_end_is_answered_a_part_of_a_day(
    area, trustee, transport, question, monkeypatch
):
    taken = count_calls(monkeypatch, trustee, "take_peer")
    transport.take([said(area, question)] * (PEER_QUESTIONS_A_DAY // 2))
    assert len(taken) == PEER_QUESTIONS_A_DAY * AT_ONCE
    transport.take([said(area, question, number=2)])
    assert len(taken) == PEER_QUESTIONS_A_DAY * AT_ONCE + 1
    transport.take([said(area, Entries(()))])  # what answers nothing counts for itself
    assert len(taken) == PEER_QUESTIONS_A_DAY * AT_ONCE + 2


def test_a_trustee_that_floods_is_not_read_beyond_its_day(area, transport, monkeypatch):
    read = count_calls(monkeypatch, transport, "_open_peer")
    message = said(area, Synced("trustee-a", bytes(16)))
    transport.take([message] * PEER_MESSAGES_A_DAY)
    # A few more come due while a busy machine takes them.
    assert len(read) == pytest.approx(PEER_MESSAGES_A_DAY * AT_ONCE, abs=50)


def test_entries_that_are_there_already_are_not_verified_again(area, trustee, monkeypatch):
    other = area.trustee(1)
    other.answer(area.request())
    (announced,) = other.pop_announcements()
    verified = count_calls(monkeypatch, peers, "open_log_entry")
    for _ in range(3):
        trustee.take_peer("trustee-b", announced)
    assert len(verified) == 1
    assert trustee._log.holding("trustee-b").length == 1
