"""The envelope of every signed message: a MessagePack array [version, body, signature].

The signature covers kind, version, collectivity, device and the body's exact bytes; the body names
household key and incarnation. The signature is verified before the body is decoded. A body or
envelope that does not re-encode to its own bytes is refused, so each message has only one form.
"""

from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId
from protocol.packed import read_packed
from protocol.topics import Kind, PublicKind, TrusteeKind

VERSION = 1
SIZE_MAX_BYTES = 64 * 1024
SIGNATURE_BYTES = 64
# Takes the place of the device in messages for everyone; no device id has three letters.
ALL = DeviceId("all")

Body = TypeVar("Body", bound=msgspec.Struct)


class _Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    version: int
    body: bytes
    signature: bytes


class Address(msgspec.Struct, frozen=True):
    """A message's address; it is covered by the signature and taken from the topic on receipt.

    `device` is the trustee's name in a message to or from a trustee, `ALL` in one for everyone.
    """

    collectivity: str
    device: DeviceId
    kind: Kind | TrusteeKind | PublicKind


def _signed_bytes(address: Address, body: bytes) -> bytes:
    return msgspec.msgpack.encode(
        ("volet", address.kind, VERSION, address.collectivity, address.device, body)
    )


def seal_message(address: Address, body: msgspec.Struct, key: Ed25519PrivateKey) -> bytes:
    """Encode and sign `body` for `address` and return the payload."""
    encoded = msgspec.msgpack.encode(body)
    signature = key.sign(_signed_bytes(address, encoded))
    return msgspec.msgpack.encode(_Envelope(VERSION, encoded, signature))


def open_message(
    address: Address, payload: bytes, key: Ed25519PublicKey, body_type: type[Body]
) -> Body:
    """Verify and decode a payload that arrived at `address`.

    Raises:
        MessageRefused: with the reason; the body was not used.
    """
    if len(payload) > SIZE_MAX_BYTES:
        raise MessageRefused(Reason.OVERSIZE, f"{len(payload)} bytes")
    try:
        envelope = read_packed(payload, _Envelope)
    except msgspec.MsgspecError as exc:
        raise MessageRefused(Reason.MALFORMED, "no envelope") from exc
    if envelope.version != VERSION:
        raise MessageRefused(Reason.VERSION, f"version {envelope.version}")
    if msgspec.msgpack.encode(envelope) != payload:
        raise MessageRefused(Reason.NOT_CANONICAL, "envelope")
    try:
        key.verify(envelope.signature, _signed_bytes(address, envelope.body))
    except InvalidSignature as exc:
        raise MessageRefused(Reason.SIGNATURE) from exc
    return decode_body(envelope.body, body_type)


def decode_body(body: bytes, body_type: type[Body]) -> Body:
    """Decode a body in its one canonical form.

    Raises:
        MessageRefused: a wrong type or length, or another encoding of the same values.
    """
    try:
        decoded = read_packed(body, body_type)
    except msgspec.MsgspecError as exc:
        raise MessageRefused(Reason.MALFORMED, f"no {body_type.__name__}") from exc
    if msgspec.msgpack.encode(decoded) != body:
        raise MessageRefused(Reason.NOT_CANONICAL, body_type.__name__)
    return decoded
