"""The broker's counters of itself, which mosquitto publishes below `$SYS/broker/`."""

import re
from typing import NamedTuple

from protocol.errors import MessageRefused, Reason

_ROOT = "$SYS/broker/"
# A number, and for the uptime its unit.
_VALUE = re.compile(rb"(\d{1,18})(?: seconds)?")


class BrokerCounter(NamedTuple):
    """One of the broker's counters: the metric's name and what it says; a total only grows."""

    name: str
    text: str
    is_total: bool


COUNTERS = {
    f"{_ROOT}{topic}": BrokerCounter(name, text, is_total=is_total)
    for topic, name, text, is_total in (
        ("uptime", "uptime_seconds", "Since the broker's start.", False),
        ("clients/connected", "clients_connected", "Clients with a session that is up.", False),
        ("clients/disconnected", "clients_away", "Clients with a session, and away.", False),
        ("clients/expired", "clients_expired", "Sessions that have expired.", True),
        ("messages/received", "messages_received", "Packets that came.", True),
        ("messages/sent", "messages_sent", "Packets that were sent.", True),
        ("bytes/received", "received_bytes", "Bytes that came.", True),
        ("bytes/sent", "sent_bytes", "Bytes that were sent.", True),
        ("publish/messages/dropped", "dropped_messages", "Messages that were dropped.", True),
        ("store/messages/count", "stored_messages", "Messages in the broker's memory.", False),
        ("store/messages/bytes", "stored_bytes", "Their payloads.", False),
        ("retained messages/count", "retained_messages", "Messages that are retained.", False),
        ("subscriptions/count", "subscriptions", "Subscriptions of all clients.", False),
    )
}  # fmt: skip


class BrokerCounts:
    """The latest counters.

    Attributes:
        values: by the metric's name.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.values: dict[str, int] = {}

    def take(self, topic: str, payload: bytes) -> None:
        """Take one of COUNTERS.

        Raises:
            MessageRefused: it is no number.
        """
        match = _VALUE.fullmatch(payload)
        if match is None:
            raise MessageRefused(Reason.MALFORMED, "no number")
        self.values[COUNTERS[topic].name] = int(match[1])
