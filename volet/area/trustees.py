"""Trustees in this process: the product's code, without a broker between them and the release."""

from collections.abc import Iterator, Sequence

from protocol.governance import CosignedDocument, fingerprint
from protocol.ids import DeviceId
from protocol.topics import Kind, TrusteeKind, device_topic, trustee_topic
from system.mqtt.message import Incoming, Outgoing
from trustee.core import TrusteeCore
from trustee.identity import TrusteeIdentity
from trustee.log import TrusteeLog
from trustee.service import TrusteeTransport


class LocalTrustee:
    """A trustee with its log in memory; it exchanges the same payloads as over the broker.

    It has no connection to other trustees and answers without them.
    """

    def __init__(self, identity: TrusteeIdentity, first_set: CosignedDocument, today: int) -> None:
        """Create a trustee that trusts `first_set`; `today` is a day's number."""
        self.name = identity.name
        trustee = TrusteeCore(identity, TrusteeLog.in_memory(), lambda: today, is_alone=True)
        trustee.confirm(fingerprint(first_set))
        self._collectivity = identity.collectivity
        self._trustee, self._transport = trustee, TrusteeTransport(trustee)

    def sealing_key(self, month: int) -> bytes:
        """Return the public key to which seeds of a month (number of its first day) are sealed."""
        return next(each.sealing_key for each in self._trustee.notices() if each.month == month)

    def greet(self) -> Iterator[bytes]:
        """Yield the messages to the release worker at the start."""
        return self._to_worker(self._transport.greet())

    def take(self, payload: bytes) -> Iterator[bytes]:
        """Handle a message from the release worker; yield the answers."""
        topic = trustee_topic(self._collectivity, self.name, TrusteeKind.REQUEST)
        return self._to_worker(self._transport.take([Incoming(topic, payload)]))

    def take_key_shares(self, device: DeviceId, payload: bytes) -> None:
        """Handle a chip's retained key shares."""
        self._transport.take(
            [Incoming(device_topic(self._collectivity, device, Kind.KEY), payload)]
        )

    def _to_worker(self, messages: Sequence[Outgoing]) -> Iterator[bytes]:
        topic = trustee_topic(self._collectivity, self.name, TrusteeKind.RESPONSE)
        return (message.payload for message in messages if message.topic == topic)
