"""What the release worker tries again: publishing while the broker is away, and what it asks."""

import asyncio
from datetime import UTC, datetime

import pytest

from cloud.release import service as module
from cloud.release.service import ReleaseService
from protocol.backoff import NO_JITTER, RetryPolicy
from protocol.errors import DocumentRefused, MessageRefused, Reason, TransportError
from protocol.topics import TrusteeKind, trustee_topic
from system.mqtt.link import Received
from system.mqtt.message import Incoming, Outgoing


class Away:
    """A link whose broker confirms nothing until it is back."""

    def __init__(self):
        self.is_back = False

    def send(self, message):
        return message

    async def confirmed(self, sent):
        del sent
        if not self.is_back:
            raise TransportError("The broker is away.")


@pytest.fixture
def pauses(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return slept


def test_pauses_grow_while_the_broker_is_away_and_begin_anew_when_it_is_back(monkeypatch, pauses):
    policy = RetryPolicy(first_s=1, cap_s=5, jitter=NO_JITTER)
    monkeypatch.setattr(module, "UNPUBLISHED", policy)
    link = Away()
    service = ReleaseService(link, None, None, lambda: datetime.now(UTC))
    messages = [Outgoing("t", b"figure", retain=True)]

    async def publish():
        for _ in range(5):
            assert not await service._publish(messages)
        link.is_back = True
        assert await service._publish([])  # says nothing of the broker
        assert await service._publish(messages)
        link.is_back = False
        assert not await service._publish(messages)

    asyncio.run(publish())
    assert pauses == [1, 2, 4, 5, 5, 1]


def test_a_message_of_a_trustee_that_meets_a_defect_leaves_the_next_to_be_handled():
    taken = []

    class Engine:
        def take(self, name, payload):
            taken.append((name, payload))
            if payload == b"bad":
                raise KeyError("a defect of this program")
            raise MessageRefused(Reason.SIGNATURE)

    service = ReleaseService(Away(), None, Engine(), lambda: datetime.now(UTC))
    topic = trustee_topic("ville", "trustee-a", TrusteeKind.RESPONSE)
    batch = [Received(Incoming(topic, data), lambda: None) for data in (b"bad", b"bad", b"good")]
    (refused,) = service._take(batch)
    assert refused.startswith("trustee-a")
    assert taken == [("trustee-a", b"bad"), ("trustee-a", b"good")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [(KeyError(), None), (DocumentRefused("An entry is wrong."), DocumentRefused)],
    ids=["defect", "for the operator"],
)
def test_a_step_that_fails_is_tried_again_unless_the_operator_must_act(error, kind):
    class Engine:
        def step(self, _now, _until):
            raise error

    service = ReleaseService(Away(), None, Engine(), lambda: datetime.now(UTC))
    if kind is None:
        assert service._step(None) == []
    else:
        with pytest.raises(kind):
            service._step(None)
