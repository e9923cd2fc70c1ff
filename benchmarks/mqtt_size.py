"""The bytes that MQTT 5 and TLS 1.3 add to a payload.

Sources: MQTT 5.0 (OASIS), 3.3 PUBLISH and 3.4 PUBACK; RFC 8446, 5.2.
"""

PUBACK_BYTES = 4
TLS_RECORD_BYTES = 22  # header 5, content type 1, AES-GCM tag 16


def publish_bytes(topic: str, payload: bytes) -> int:
    """Return the size of a PUBLISH with QoS 1 and no properties."""
    remaining = 2 + len(topic.encode()) + 2 + 1 + len(payload)
    length_bytes = 1
    while remaining >> (7 * length_bytes):
        length_bytes += 1
    return 1 + length_bytes + remaining


def exchange_bytes(topic: str, payload: bytes) -> int:
    """Return the size of a PUBLISH with QoS 1 and its PUBACK."""
    return publish_bytes(topic, payload) + PUBACK_BYTES
