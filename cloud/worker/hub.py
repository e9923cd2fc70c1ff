"""Tells everybody at the broker which version of the wire is in use, and when to try again."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import Store
from protocol.envelope import ALL, Address, seal_message
from protocol.messages import RECONNECT_WINDOW_MAX_S, Hub
from protocol.topics import PublicKind, hub_topic
from system.mqtt.message import Outgoing

# A broker completes some 170 TLS handshakes a second: 20 000 chips come back within 120 s.
CHIPS_BACK_PER_S = 20_000 / 120


def announcement(store: Store, collectivity: str, platform_key: Ed25519PrivateKey) -> Outgoing:
    """Return the retained message to everybody, from what the store knows now.

    It is written in the oldest version, which all of them read.
    """
    chips = sum(count.count for count in store.versions.counts())
    window_s = min(max(1, round(chips / CHIPS_BACK_PER_S)), RECONNECT_WINDOW_MAX_S)
    address = Address(collectivity, ALL, PublicKind.HUB)
    payload = seal_message(address, Hub(store.versions.in_use, window_s), platform_key)
    return Outgoing(hub_topic(collectivity), payload, retain=True)
