"""A chip as the cloud sees it: signs headers and blocks of random coefficients, and reads acks."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import Device
from protocol.calendar import day_number, month_of
from protocol.commitment import commit_day
from protocol.envelope import Address, open_message, seal_message
from protocol.household import Q
from protocol.ids import DeviceId, HouseholdKeyId, new_device_id, new_incarnation
from protocol.layout import QUARTER_HOURS_MAX
from protocol.messages import Ack, Block, Epoch, Fetch, Seen
from protocol.topics import Kind, device_topic
from system.mqtt.message import Incoming, Outgoing

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
COMMITMENT = commit_day([0] * 12, 1)


def coefficients(count: int = 128) -> bytes:
    """Draw coefficients in the wire form of a block."""
    return np.frombuffer(secrets.token_bytes(8 * count), "<u8").__mod__(np.uint64(Q)).tobytes()


@dataclass
class FakeChip:
    """The keys of a chip and its household, and messages signed with them."""

    collectivity: str = "testville"
    device: DeviceId = field(default_factory=new_device_id)
    signing_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    household_key: HouseholdKeyId = field(
        default_factory=lambda: HouseholdKeyId(secrets.token_bytes(16))
    )
    incarnation: bytes = field(default_factory=new_incarnation)

    @property
    def enrolment(self) -> Device:
        """The chip's enrolment record."""
        public = self.signing_key.public_key().public_bytes_raw()
        return Device(self.device, public, self.household_key, SINCE)

    def topic(self, kind: Kind, rest: str = "") -> str:
        """Return one of the chip's topics."""
        return device_topic(self.collectivity, self.device, kind, rest)

    def message(self, kind: Kind, body) -> Incoming:
        """Sign any body for a topic of this chip."""
        address = Address(self.collectivity, self.device, kind)
        return Incoming(self.topic(kind), seal_message(address, body, self.signing_key))

    def epoch(self, day: date, **changes) -> Incoming:
        """Make the header of the day's month."""
        fields = {
            "household_key": self.household_key,
            "month": day_number(month_of(day)),
            "incarnation": self.incarnation,
            "seed": secrets.token_bytes(64),
            "mac": secrets.token_bytes(32),
        }
        return self.message(Kind.EPOCH, Epoch(**(fields | changes)))

    def block(self, day: date, sequence: int, j0: int = 0, count: int = 128, **changes) -> Incoming:
        """Make a block of the coefficients [j0, j0 + count) of a day."""
        fields = {
            "household_key": self.household_key,
            "day": day_number(day),
            "incarnation": self.incarnation,
            "sequence": sequence,
            "j0": j0,
            "coefficients": coefficients(count),
            "commitment": COMMITMENT if j0 + count > QUARTER_HOURS_MAX else b"",
        }
        return self.message(Kind.BLOCK, Block(**(fields | changes)))

    def fetch(self, incarnation: bytes | None, sequence: int = 1, count: int = 512) -> Incoming:
        """Request the full state, or what is stored of an incarnation."""
        return self.message(Kind.FETCH, Fetch(self.household_key, incarnation, sequence, count, 1))

    def seen(self, statement: bytes) -> Incoming:
        """Report that a statement has arrived."""
        return self.message(Kind.SEEN, Seen(self.household_key, statement))

    def acks(self, outgoing: tuple[Outgoing, ...], platform_key) -> list[Ack]:
        """Verify and decode the acks for this chip among the cloud's messages."""
        address = Address(self.collectivity, self.device, Kind.ACK)
        return [
            open_message(address, message.payload, platform_key, Ack)
            for message in outgoing
            if message.topic == self.topic(Kind.ACK)
        ]
