"""Trustees in this process: the product's own, without the broker between them and the release."""

from collections.abc import Iterator, Sequence

from protocol.governance import CosignedDocument, fingerprint
from protocol.ids import DeviceId
from protocol.topics import Kind, TrusteeKind, device_topic, trustee_topic
from system.mqtt.message import Incoming, Outgoing
from trustee.core import TrusteeCore, TrusteeIdentity
from trustee.log import TrusteeLog
from trustee.service import TrusteeTransport


class LocalTrustee:
    """One trustee with a log in memory; payloads go in and out as over the broker.

    It hears no peers, so it answers without them.
    """

    def __init__(self, identity: TrusteeIdentity, first_set: CosignedDocument, today: int) -> None:
        """Let the trustee trust `first_set`, as its operator would; `today` is a day's number."""
        self.name = identity.name
        trustee = TrusteeCore(identity, TrusteeLog.in_memory(), lambda: today, is_alone=True)
        trustee.confirm(fingerprint(first_set))
        self._collectivity = identity.collectivity
        self._transport = TrusteeTransport(trustee)

    def greet(self) -> Iterator[bytes]:
        """Give what it tells the release worker when it starts."""
        return self._to_worker(self._transport.greet())

    def take(self, payload: bytes) -> Iterator[bytes]:
        """Take a message from the release worker; gives what is said to it."""
        topic = trustee_topic(self._collectivity, self.name, TrusteeKind.REQUEST)
        return self._to_worker(self._transport.take([Incoming(topic, payload)]))

    def take_key_shares(self, device: DeviceId, payload: bytes) -> None:
        """Take a chip's retained seed letters."""
        self._transport.take(
            [Incoming(device_topic(self._collectivity, device, Kind.KEY), payload)]
        )

    def _to_worker(self, messages: Sequence[Outgoing]) -> Iterator[bytes]:
        topic = trustee_topic(self._collectivity, self.name, TrusteeKind.RESPONSE)
        return (each.payload for each in messages if each.topic == topic)
