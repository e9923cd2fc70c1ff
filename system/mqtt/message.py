"""The messages between the link and the rest of the cloud, independent of any broker."""

import msgspec


class Incoming(msgspec.Struct, frozen=True):
    """A received message; `is_retained`: its sender asked the broker to retain it."""

    topic: str
    payload: bytes
    is_retained: bool = False


class Outgoing(msgspec.Struct, frozen=True):
    """A message to publish with QoS 1; an empty retained payload clears what is retained."""

    topic: str
    payload: bytes
    retain: bool = False
