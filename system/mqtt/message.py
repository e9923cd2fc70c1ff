"""What passes between the link and the rest of the cloud; knows no broker."""

import msgspec


class Incoming(msgspec.Struct, frozen=True):
    """A message as it came."""

    topic: str
    payload: bytes


class Outgoing(msgspec.Struct, frozen=True):
    """A message to publish with QoS 1; an empty retained payload clears what is retained."""

    topic: str
    payload: bytes
    retain: bool = False
