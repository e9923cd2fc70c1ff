"""Statements and private messages that a chip says have arrived: marked, and cleared from the broker."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from cloud.ingest.handler import HandlerResult, MessageHandler, VerifiedMessage
from cloud.store import SeenStatement, Store
from protocol.errors import MessageRefused, Reason
from protocol.messages import Seen
from protocol.topics import Kind, device_topic
from system.mqtt.message import Outgoing


class SeenIngest(MessageHandler[Seen]):
    """Marks what has arrived; the answer takes the retained message off the broker."""

    bodies: ClassVar[Mapping[Kind, type[Seen]]] = {Kind.SEEN: Seen}

    def __init__(self, store: Store, collectivity: str) -> None:
        self._store = store
        self._collectivity = collectivity

    def take(self, messages: Sequence[VerifiedMessage[Seen]], at: datetime) -> HandlerResult:
        """Mark statements, and private messages of the ids that no statement has."""
        result = HandlerResult(
            refused=[(each.message, each.refused) for each in messages if each.refused]
        )
        good = [each for each in messages if not each.refused]
        named = [(each.device.household_key, each.body.statement) for each in good]
        statements = self._store.mark_seen([SeenStatement(*each) for each in named], at)
        letters = iter(
            self._store.providers.mark_letters_seen(
                [each for each, is_known in zip(named, statements, strict=True) if not is_known]
            )
        )
        cleared = []
        for each, is_known in zip(good, statements, strict=True):
            is_letter = not is_known and next(letters)
            if not (is_known or is_letter):
                unknown = MessageRefused(Reason.BOUNDS, "no such statement or letter")
                result.refused.append((each.message, unknown))
            kind = Kind.LETTER if is_letter else Kind.STATEMENT
            topic = device_topic(
                self._collectivity, each.device.device, kind, each.body.statement.hex()
            )
            cleared.append(Outgoing(topic, b"", retain=True))
        result.answers = lambda: cleared
        return result
