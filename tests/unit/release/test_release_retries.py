"""What the release worker tries again: publishing while the broker is away, and what it asks."""

import asyncio
from datetime import UTC, datetime

import pytest

from cloud.release import service as module
from cloud.release.service import ReleaseService
from protocol.backoff import NO_JITTER, RetryPolicy
from protocol.errors import TransportError
from system.mqtt.message import Outgoing


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
