"""What passes between the chip's core and its link; knows no broker."""

from enum import StrEnum

import msgspec

from edge.vault.rows import Key


class Publish(msgspec.Struct, frozen=True):
    """A message to publish with QoS 1; `key` names it to the outbox, None for others."""

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
    """A session is there and its subscription granted.

    `is_resumed`: the broker had kept the session before, so it has not called the chip lost.
    """

    is_resumed: bool = False


class Disconnected(msgspec.Struct, frozen=True):
    """The session has ended; what was under way may be lost."""


class Unreachable(msgspec.Struct, frozen=True):
    """There is no session and none could be had; said once a reason."""

    why: Absence


class Arrived(msgspec.Struct, frozen=True):
    """A message came in."""

    topic: str
    payload: bytes


class Published(msgspec.Struct, frozen=True):
    """The broker has it; `has_subscribers` False: nobody listens, so nobody will store it."""

    publish: Publish
    has_subscribers: bool


class PublishRefused(msgspec.Struct, frozen=True):
    """The broker refused it, with an MQTT 5 reason code."""

    publish: Publish
    reason_code: int


LinkEvent = Connected | Disconnected | Unreachable | Arrived | Published | PublishRefused
