"""The envelope of every signed message: a MessagePack array [version, body, signature].

The signature covers kind, version, collectivity, device and the body's exact bytes; the body names
household key and incarnation. The signature is verified before the body is decoded. A body or
envelope that does not re-encode to its own bytes is refused, so each message has only one form in
each version (`protocol.versions`).
"""

from typing import Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import versions
from protocol.errors import MessageRefused, Reason
from protocol.ids import DeviceId
from protocol.packed import read_packed
from protocol.topics import Kind, PublicKind, TrusteeKind

SIZE_MAX_BYTES = 64 * 1024
SIGNATURE_BYTES = 64
# Takes the place of the device in messages for everyone; no device id has three letters.
ALL = DeviceId("all")

Body = TypeVar("Body", bound=msgspec.Struct)


class VerifyingKey(Protocol):
    """A public key, or several of which one must have signed."""

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Check a signature. Raises InvalidSignature."""


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


def _signed_bytes(address: Address, version: int, body: bytes) -> bytes:
    return msgspec.msgpack.encode(
        ("volet", address.kind, version, address.collectivity, address.device, body)
    )


def seal_message(
    address: Address, body: msgspec.Struct, key: Ed25519PrivateKey, version: int | None = None
) -> bytes:
    """Encode and sign `body` for `address` in a version, and return the payload.

    Without a version it is written in the oldest one, which every reader knows.

    Raises:
        MessageRefused: that version has no words for it.
    """
    version = versions.VERSIONS.oldest if version is None else version
    form = versions.VERSIONS.form(version, type(body))
    encoded = msgspec.msgpack.encode(body if form is None else form.write(body))
    signature = key.sign(_signed_bytes(address, version, encoded))
    return msgspec.msgpack.encode(_Envelope(version, encoded, signature))


def signed_anew(address: Address, payload: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return a message of our own signed with `key`, which may have followed the key of before."""
    envelope = read_packed(payload, _Envelope)
    signed = _signed_bytes(address, envelope.version, envelope.body)
    try:
        key.public_key().verify(envelope.signature, signed)
    except InvalidSignature:
        anew = _Envelope(envelope.version, envelope.body, key.sign(signed))
        return msgspec.msgpack.encode(anew)
    return payload


def open_message(
    address: Address, payload: bytes, key: VerifyingKey, body_type: type[Body]
) -> Body:
    """Verify and decode a payload that arrived at `address`, in whichever version it was written.

    Raises:
        MessageRefused: with the reason; the body was not used.
    """
    if len(payload) > SIZE_MAX_BYTES:
        raise MessageRefused(Reason.OVERSIZE, f"{len(payload)} bytes")
    try:
        envelope = read_packed(payload, _Envelope)
    except msgspec.MsgspecError as exc:
        raise MessageRefused(Reason.MALFORMED, "no envelope") from exc
    if not versions.VERSIONS.is_read(envelope.version):
        raise MessageRefused(Reason.VERSION, f"version {envelope.version}")
    if msgspec.msgpack.encode(envelope) != payload:
        raise MessageRefused(Reason.NOT_CANONICAL, "envelope")
    try:
        key.verify(envelope.signature, _signed_bytes(address, envelope.version, envelope.body))
    except InvalidSignature as exc:
        raise MessageRefused(Reason.SIGNATURE) from exc
    form = versions.VERSIONS.form(envelope.version, body_type)
    if form is None:
        return decode_body(envelope.body, body_type)
    body: Body = form.read(decode_body(envelope.body, form.wire))  # type: ignore[assignment]  # form.body is body_type
    return body


def version_of(payload: bytes) -> int:
    """Return the version of a payload that `open_message` has taken."""
    return payload[1]


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
