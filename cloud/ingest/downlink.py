"""Signs messages to chips for the device and the topic they are meant for."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.envelope import Address, seal_message
from protocol.ids import DeviceId
from protocol.topics import Kind, device_topic
from system.mqtt.message import Outgoing


class DownlinkSigner:
    """Signs messages with the key of one collectivity's platform."""

    def __init__(self, collectivity: str, key: Ed25519PrivateKey) -> None:
        self._collectivity = collectivity
        self._key = key

    def sign(
        self, device: DeviceId, kind: Kind, body: msgspec.Struct, version: int, rest: str = ""
    ) -> Outgoing:
        """Return `body` as a signed message of `kind` to one device, in a version that it reads.

        `rest` follows the kind in the topic.
        """
        address = Address(self._collectivity, device, kind)
        topic = device_topic(self._collectivity, device, kind, rest)
        return Outgoing(topic, seal_message(address, body, self._key, version))
