"""Marks statements and private messages that reached a chip and clears them from the broker."""

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
    """Marks messages as arrived; the answer clears the retained message from the broker."""

    bodies: ClassVar[Mapping[Kind, type[Seen]]] = {Kind.SEEN: Seen}

    def __init__(self, store: Store, collectivity: str) -> None:
        self._store = store
        self._collectivity = collectivity

    def take(self, messages: Sequence[VerifiedMessage[Seen]], at: datetime) -> HandlerResult:
        """Mark statements; ids that match no statement are looked up among private messages."""
        result = HandlerResult(
            refused=[
                (verified.message, verified.refused) for verified in messages if verified.refused
            ]
        )
        good = [verified for verified in messages if not verified.refused]
        arrivals = [(verified.device.household_key, verified.body.statement) for verified in good]
        statements = self._store.mark_seen([SeenStatement(*arrival) for arrival in arrivals], at)
        letters = iter(
            self._store.providers.mark_letters_seen(
                [
                    arrival
                    for arrival, is_known in zip(arrivals, statements, strict=True)
                    if not is_known
                ]
            )
        )
        cleared = []
        for verified, is_known in zip(good, statements, strict=True):
            is_letter = not is_known and next(letters)
            if not (is_known or is_letter):
                unknown = MessageRefused(Reason.BOUNDS, "no such statement or letter")
                result.refused.append((verified.message, unknown))
            kind = Kind.LETTER if is_letter else Kind.STATEMENT
            topic = device_topic(
                self._collectivity, verified.device.device, kind, verified.body.statement.hex()
            )
            cleared.append(Outgoing(topic, b"", retain=True))
        result.answers = lambda: cleared
        return result
