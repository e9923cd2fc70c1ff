"""Messages and events between the chip's core and its link; independent of the broker."""

from enum import StrEnum

import msgspec

from edge.vault.rows import Key


class Publish(msgspec.Struct, frozen=True):
    """A message to publish with QoS 1; `key` is its key in the outbox, None for other messages."""

    topic: str
    payload: bytes
    key: Key | None = None
    retain: bool = False


class Absence(StrEnum):
    """Why there is no session.

    CLOCK: the broker's certificate is not valid yet, by this machine's clock. AUTHORITY: chip and
    broker hold certificates of different authorities. EXPIRED is this chip's certificate,
    CITY_EXPIRED the broker's. DOUBLE: another chip with the same keys takes the session over.
    """

    STARTING = "starting"
    NETWORK = "network"
    CLOCK = "clock"
    AUTHORITY = "authority"
    CERTIFICATE = "certificate"
    EXPIRED = "expired"
    CITY_EXPIRED = "city_expired"
    REVOKED = "revoked"
    REFUSED = "refused"
    DOUBLE = "double"


class Connected(msgspec.Struct, frozen=True):
    """A session has begun and its subscription is granted.

    `is_resumed`: the broker had kept the earlier session, so it has not reported the chip as lost,
    unless it was stopped meanwhile.
    """

    is_resumed: bool = False


class Disconnected(msgspec.Struct, frozen=True):
    """The session has ended; messages in flight may be lost."""


class Unreachable(msgspec.Struct, frozen=True):
    """An attempt to get a session has failed; `why` is the reason."""

    why: Absence


class Arrived(msgspec.Struct, frozen=True):
    """A message has arrived."""

    topic: str
    payload: bytes


class Published(msgspec.Struct, frozen=True):
    """The broker has the message; without `has_subscribers` nobody will store it."""

    publish: Publish
    has_subscribers: bool


class PublishRefused(msgspec.Struct, frozen=True):
    """The broker refused the message, with an MQTT 5 reason code."""

    publish: Publish
    reason_code: int


LinkEvent = Connected | Disconnected | Unreachable | Arrived | Published | PublishRefused
