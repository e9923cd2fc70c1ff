"""The sealing keys that trustees publish: one for each month, which ends with the month's seeds.

A chip seals seeds of a month to each trustee's key of the same month. A trustee destroys its key
when the month is closed, so what was sealed to it opens no more, whoever has recorded it.
"""

from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.calendar import DayNumber, day_of_number
from protocol.envelope import Address, open_message, seal_message
from protocol.errors import CipherError, MessageRefused, Reason
from protocol.hpke import PUBLIC_KEY_BYTES, check_public_key
from protocol.ids import DeviceId
from protocol.topics import SealingTopic, TrusteeKind, sealing_topic


class SealingNotice(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """trustee/{name}/sealing/{month}, retained: the key to which seeds of `month` are sealed.

    `month` is the number of its first day, `sealing_key` the public half of a protocol.hpke key.
    """

    month: DayNumber
    sealing_key: Annotated[
        bytes, msgspec.Meta(min_length=PUBLIC_KEY_BYTES, max_length=PUBLIC_KEY_BYTES)
    ]


def month_topic(collectivity: str, trustee: str, month: int) -> str:
    """Return the topic of a trustee's key of a month (the number of its first day)."""
    return sealing_topic(collectivity, trustee, day_of_number(month).month)


def sign_notice(
    collectivity: str, trustee: str, notice: SealingNotice, key: Ed25519PrivateKey
) -> bytes:
    """Return the payload that publishes a trustee's key."""
    return seal_message(_address(collectivity, trustee), notice, key)


def open_notice(topic: SealingTopic, payload: bytes, signing_key: bytes) -> SealingNotice:
    """Verify and decode what arrived on the topic of a trustee that signs with `signing_key`.

    Raises:
        MessageRefused: the trustee did not sign it, it is of another month than its topic, or
            nothing can be sealed to the key.
    """
    address = _address(topic.collectivity, topic.trustee)
    key = Ed25519PublicKey.from_public_bytes(signing_key)
    notice = open_message(address, payload, key, SealingNotice)
    first = day_of_number(notice.month)
    if (first.month, first.day) != (topic.month, 1):
        raise MessageRefused(Reason.TOPIC, "a sealing key of another month")
    try:
        check_public_key(notice.sealing_key)
    except CipherError as exc:
        raise MessageRefused(Reason.BOUNDS, "a sealing key to which nothing can be sealed") from exc
    return notice


def _address(collectivity: str, trustee: str) -> Address:
    return Address(collectivity, DeviceId(trustee), TrusteeKind.SEALING)
