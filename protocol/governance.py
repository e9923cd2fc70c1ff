"""Governance: the set of trustees, and documents with several signatures.

A document's hash is SHA-256 over its body; documents refer to each other by it. Each names the one
that it follows, whose hash its makers know. Two that follow one document are a *fork*, which no
trustee signs. A set of trustees
is valid if t members of the previous set and the collectivity signed it. The very first set is
confirmed by hand, by its fingerprint. Measures are signed by t members of the set they name and by
the collectivity.
"""

import base64
import hashlib
from typing import Annotated, Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.area_cipher import Shape, check_shape
from protocol.calendar import DayNumber
from protocol.envelope import decode_body
from protocol.errors import CipherError, DocumentRefused, MessageRefused
from protocol.ids import PublicKey
from protocol.key_list import AnyOf, KeyUse, Successors, alone
from protocol.messages import Hash
from protocol.packed import INT_MAX

Body = TypeVar("Body", bound=msgspec.Struct)

COLLECTIVITY_SIGNER = "collectivity"
# The least number of days from a document's signing until it takes effect. Chips and trustees count
# from the day on which they first saw it.
NOTICE_DAYS = 3
FINGERPRINT_GROUPS = 6

TrusteeName = Annotated[str, msgspec.Meta(pattern=r"^trustee-[a-z0-9]{1,24}(?!\n)$")]


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Trustee(_Document, frozen=True):
    """One trustee: its certificate's common name, its title, and its public key.

    `signing_key` is Ed25519. It also signs the trustee's sealing keys (protocol/sealing.py).
    """

    name: TrusteeName
    title: str
    signing_key: PublicKey


class TrusteeSet(_Document, frozen=True):
    """The trustees from day `effective` on; their order determines their numbers.

    `previous` is the hash of the previous set, None in the first. `collectivity_key` verifies the
    platform's signatures, `registrar_key` those on the roster.
    """

    collectivity: str
    version: Annotated[int, msgspec.Meta(ge=1, le=INT_MAX)]
    previous: Hash | None
    effective: DayNumber
    shape: Shape
    trustees: tuple[Trustee, ...]
    collectivity_key: PublicKey
    registrar_key: PublicKey

    def number_of(self, name: str) -> int:
        """Return a trustee's number. Raises DocumentRefused if it is not in the set."""
        for number, trustee in enumerate(self.trustees):
            if trustee.name == name:
                return number
        raise DocumentRefused(f"{name} is not in this set of trustees.")


class _Chained(Protocol):
    """A document that follows another one of its kind."""

    @property
    def version(self) -> int: ...

    @property
    def previous(self) -> bytes | None: ...


class Signature(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One signature; `signer` is a trustee's name, "collectivity" or "registrar"."""

    signer: str
    signature: bytes


class CosignedDocument(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A document's exact bytes, its kind, and all signatures."""

    kind: str
    body: bytes
    signatures: tuple[Signature, ...]

    @property
    def hash(self) -> bytes:
        """SHA-256 of the body."""
        return hashlib.sha256(self.body).digest()

    def signed(self, signer: str, key: Ed25519PrivateKey) -> "CosignedDocument":
        """Return the document with one more signature; it replaces the signer's earlier one."""
        signature = Signature(signer, key.sign(_signed_bytes(self.kind, self.body)))
        if signature in self.signatures:
            return self
        others = tuple(signature for signature in self.signatures if signature.signer != signer)
        return CosignedDocument(self.kind, self.body, (*others, signature))

    def is_signed_by(self, signer: str, *public_keys: bytes) -> bool:
        """Return whether there is a valid signature of `signer`, by one of its keys."""
        key = AnyOf(public_keys)
        for signature in self.signatures:
            if signature.signer == signer:
                try:
                    key.verify(signature.signature, _signed_bytes(self.kind, self.body))
                except InvalidSignature:
                    continue
                return True
        return False


def is_fork(one: _Chained, other: _Chained) -> bool:
    """Return whether two different documents of a kind claim one place in their chain."""
    return one.previous == other.previous or one.version == other.version


def draw_up(document: msgspec.Struct) -> CosignedDocument:
    """Wrap a document without any signature."""
    return CosignedDocument(type(document).__name__, msgspec.msgpack.encode(document), ())


def read_cosigned(cosigned: CosignedDocument, document_type: type[Body]) -> Body:
    """Decode a document; checking the signatures is up to the caller.

    Raises:
        DocumentRefused: the kind is wrong, or the form is not canonical.
    """
    kind = document_type.__name__
    if cosigned.kind != kind:
        raise DocumentRefused(f"This document is a {cosigned.kind}, no {kind}.")
    try:
        return decode_body(cosigned.body, document_type)
    except MessageRefused as exc:
        raise DocumentRefused(f"This {kind} cannot be read: {exc.detail}.") from exc


def check_signed_by_trustees(
    cosigned: CosignedDocument, trustees: TrusteeSet, successors: Successors = alone
) -> None:
    """Check that t of `trustees` and the collectivity signed, by its key or one that follows it.

    Raises:
        DocumentRefused: names who has signed and how many must.
    """
    keys = successors(KeyUse.PLATFORM, trustees.collectivity_key)
    if not cosigned.is_signed_by(COLLECTIVITY_SIGNER, *keys):
        raise DocumentRefused(f"This {cosigned.kind} is not signed by the collectivity.")
    signers = [
        trustee.name
        for trustee in trustees.trustees
        if cosigned.is_signed_by(trustee.name, trustee.signing_key)
    ]
    if len(signers) < trustees.shape.threshold:
        raise DocumentRefused(
            f"This {cosigned.kind} is signed by {len(signers)} trustees"
            f"{' (' + ', '.join(signers) + ')' if signers else ''}; "
            f"{trustees.shape.threshold} of {trustees.shape.trustees} must sign it."
        )


def open_first_set(cosigned: CosignedDocument) -> TrusteeSet:
    """Read a first set of trustees, which people trust by confirming its fingerprint by hand.

    All its members and the collectivity must have signed it, so nobody is named without consent.

    Raises:
        DocumentRefused: names what is wrong.
    """
    trustees = _read_set(cosigned)
    if trustees.version != 1 or trustees.previous is not None:
        raise DocumentRefused("This set of trustees follows another one, which must come first.")
    if not cosigned.is_signed_by(COLLECTIVITY_SIGNER, trustees.collectivity_key):
        raise DocumentRefused("This TrusteeSet is not signed by the collectivity.")
    for trustee in trustees.trustees:
        if not cosigned.is_signed_by(trustee.name, trustee.signing_key):
            raise DocumentRefused(f"{trustee.name} has not signed the set that names it.")
    return trustees


def open_next_set(
    cosigned: CosignedDocument, current: CosignedDocument, successors: Successors = alone
) -> TrusteeSet:
    """Read the set of trustees that follows `current`, which is already trusted.

    It names the registrar of before, or one that follows it.

    Raises:
        DocumentRefused: names what is wrong.
    """
    trustees, before = _read_set(cosigned), _read_set(current)
    if trustees.previous != current.hash or trustees.version != before.version + 1:
        raise DocumentRefused("This set of trustees does not follow the one that is known.")
    if trustees.collectivity != before.collectivity:
        raise DocumentRefused("This set of trustees is another collectivity's.")
    if trustees.effective < before.effective:
        raise DocumentRefused("This set of trustees would take effect before the one it follows.")
    check_signed_by_trustees(cosigned, before, successors)
    if trustees.registrar_key not in successors(KeyUse.REGISTRAR, before.registrar_key):
        raise DocumentRefused("This set of trustees names another registrar.")
    return trustees


def fingerprint(cosigned: CosignedDocument) -> str:
    """Return a text for people to compare: six groups of four letters and digits (120 bits)."""
    text = base64.b32encode(cosigned.hash).decode()
    return " ".join(text[4 * n : 4 * n + 4] for n in range(FINGERPRINT_GROUPS))


def _read_set(cosigned: CosignedDocument) -> TrusteeSet:
    trustees = read_cosigned(cosigned, TrusteeSet)
    try:
        check_shape(trustees.shape)
    except CipherError as exc:
        raise DocumentRefused(f"This set of trustees cannot work: {exc}.") from exc
    names = {trustee.name for trustee in trustees.trustees}
    keys = {trustee.signing_key for trustee in trustees.trustees}
    if not len(names) == len(keys) == len(trustees.trustees) == trustees.shape.trustees:
        raise DocumentRefused(
            f"This set of trustees must name {trustees.shape.trustees} different trustees "
            "with keys of their own."
        )
    return trustees


def _signed_bytes(kind: str, body: bytes) -> bytes:
    return msgspec.msgpack.encode(("volet charter", kind, body))
