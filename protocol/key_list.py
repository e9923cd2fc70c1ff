"""The collectivity's key list: each root, issuer, platform and registrar key, past and present.

The newest root signs it, offline. A list only grows: entries are added and never changed, so of two
lists one begins with the other, or they are a *fork*, which is refused and kept as proof. Platform
and registrar keys (Ed25519) are also signed by their predecessors, and a root by the root before
it. So a thief of the online keys replaces none of them, and the root alone none either.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from protocol.calendar import DayNumber
from protocol.certificates import read_all_der, read_der
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.ids import PublicKey
from protocol.packed import read_packed

LIST_MAX_BYTES = 60 * 1024
CERTIFICATE_MAX_BYTES = 4 * 1024
# Of roots, issuers, and keys of each use: one of each a year for a century.
LISTED_MAX = 100

# What cryptography raises for certificates that are malformed or that nobody of ours signed.
UNREADABLE = (ValueError, TypeError, InvalidSignature)

Certificate = Annotated[bytes, msgspec.Meta(max_length=CERTIFICATE_MAX_BYTES)]


class KeyUse(StrEnum):
    """What a listed Ed25519 key signs: the platform's messages, or the roster."""

    PLATFORM = "platform"
    REGISTRAR = "registrar"


class _Part(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class ListedKey(_Part, frozen=True):
    """A key that signs from day `begins` on; nothing new by its predecessor counts from `ends` on.

    `ends` is the first day without the predecessor, and 0 for the first key. `signature` is the
    predecessor's, and empty for the first key.
    """

    key: PublicKey
    begins: DayNumber
    ends: DayNumber = 0
    signature: Annotated[bytes, msgspec.Meta(max_length=64)] = b""


class ListedRoot(_Part, frozen=True):
    """A root's own certificate, and as the root before it has signed it; empty for the first."""

    certificate: Certificate
    vouched: Certificate = b""


class KeyList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All keys of a collectivity, each sort in the order in which it was added.

    The first `withdrawn` issuers count no more, whatever they signed.
    """

    collectivity: str
    roots: Annotated[tuple[ListedRoot, ...], msgspec.Meta(min_length=1, max_length=LISTED_MAX)]
    issuers: Annotated[tuple[Certificate, ...], msgspec.Meta(min_length=1, max_length=LISTED_MAX)]
    platform: Annotated[tuple[ListedKey, ...], msgspec.Meta(min_length=1, max_length=LISTED_MAX)]
    registrar: Annotated[tuple[ListedKey, ...], msgspec.Meta(max_length=LISTED_MAX)] = ()
    withdrawn: Annotated[int, msgspec.Meta(ge=0, lt=LISTED_MAX)] = 0

    @property
    def authorities(self) -> tuple[bytes, ...]:
        """The certificates (DER) by which a server is known: the newest root, and issuers that count.

        A root that was replaced is none of them. Its issuers are named, so what they have signed
        holds until its own end, and nothing else that it has signed, then or since.
        """
        return (self.roots[-1].certificate, *self.issuers[self.withdrawn :])

    @property
    def withdrawn_issuers(self) -> tuple[bytes, ...]:
        """The certificates (DER) of issuers that count no more."""
        return self.issuers[: self.withdrawn]

    def keys(self, use: KeyUse) -> tuple[ListedKey, ...]:
        """Return the keys of a use, oldest first."""
        return self.platform if use is KeyUse.PLATFORM else self.registrar

    def ever(self, use: KeyUse) -> tuple[bytes, ...]:
        """Return all keys of a use: what they signed in their time stays signed."""
        return tuple(listed.key for listed in self.keys(use))

    def end_of(self, use: KeyUse, key: bytes) -> int | None:
        """Return the first day (a number) without a listed key; None before a successor is listed."""
        keys = self.keys(use)
        place = self.ever(use).index(key)
        return min((later.ends for later in keys[place + 1 :]), default=None)

    def taken_on(self, use: KeyUse, day: int) -> tuple[bytes, ...]:
        """Return the keys whose new signatures count on `day` (a number), the newest first.

        A successor counts before its first day, since clocks differ.
        """
        keys = self.keys(use)
        return tuple(
            listed.key
            for place, listed in reversed(tuple(enumerate(keys)))
            if all(day < later.ends for later in keys[place + 1 :])
        )

    def signing_on(self, use: KeyUse, day: int) -> bytes:
        """Return the key that signs on `day` (a number)."""
        begun = [listed.key for listed in self.keys(use) if listed.begins <= day]
        return (begun or [self.keys(use)[0].key])[-1]

    def successors(self, use: KeyUse, key: bytes) -> tuple[bytes, ...]:
        """Return a key and all that follow it; itself alone if it is not listed."""
        keys = self.ever(use)
        return keys[keys.index(key) :] if key in keys else (key,)

    def begins_with(self, other: "KeyList") -> bool:
        """Return whether this list has all that `other` has, in its order."""
        if self.collectivity != other.collectivity or self.withdrawn < other.withdrawn:
            return False
        return all(
            mine[: len(theirs)] == theirs
            for mine, theirs in (
                (self.roots, other.roots),
                (self.issuers, other.issuers),
                (self.platform, other.platform),
                (self.registrar, other.registrar),
            )
        )


# Returns a key of a use and all that follow it.
Successors = Callable[[KeyUse, bytes], tuple[bytes, ...]]


def alone(use: KeyUse, key: bytes) -> tuple[bytes, ...]:
    """Return a key that nothing has followed, where no key list is known."""
    del use
    return (key,)


class AnyOf:
    """Several keys (Ed25519), of which one must have signed."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        """Take a signature of any of `keys`."""
        self._keys = [Ed25519PublicKey.from_public_bytes(key) for key in keys]

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Check a signature. Raises InvalidSignature."""
        for key in self._keys:
            try:
                key.verify(signature, data)
            except InvalidSignature:
                continue
            return
        raise InvalidSignature


class SignedKeyList(_Part, frozen=True):
    """A list's exact bytes, and the ECDSA signature (P-256, SHA-256) of its newest root."""

    body: bytes
    signature: Annotated[bytes, msgspec.Meta(max_length=80)]


def sign_key_list(keys: KeyList, root: ec.EllipticCurvePrivateKey) -> SignedKeyList:
    """Sign a list with its newest root."""
    body = msgspec.msgpack.encode(keys)
    return SignedKeyList(body, root.sign(_signed_bytes(body), ec.ECDSA(SHA256())))


def sign_successor(
    collectivity: str, use: KeyUse, predecessor: Ed25519PrivateKey, successor: ListedKey
) -> ListedKey:
    """Return a successor's entry with the signature of the key before it."""
    signature = predecessor.sign(_succession(collectivity, use, successor))
    return msgspec.structs.replace(successor, signature=signature)


def open_key_list(
    signed: SignedKeyList, trusted: Sequence[x509.Certificate], collectivity: str
) -> KeyList:
    """Verify a list by a root that is trusted, or one that leads from it, and return it.

    Raises:
        DocumentRefused: names what does not fit.
    """
    try:
        keys = decode_body(signed.body, KeyList)
    except MessageRefused as exc:
        raise DocumentRefused(f"This key list cannot be read: {exc.detail}.") from exc
    if keys.collectivity != collectivity:
        raise DocumentRefused("This key list is another collectivity's.")
    if keys.withdrawn >= len(keys.issuers):
        raise DocumentRefused("This key list withdraws every issuer.")
    try:
        roots = read_all_der(listed.certificate for listed in keys.roots)
        issuers = read_all_der(keys.issuers)
        _check_roots(keys, roots, trusted)
        _verify(roots[-1], signed.signature, _signed_bytes(signed.body))
        for issuer in issuers:
            _check_issued(issuer, roots)
        for use in KeyUse:
            _check_keys(keys, use)
    except UNREADABLE as exc:
        raise DocumentRefused("This key list is not signed by a root that is known here.") from exc
    return keys


def take_key_list(
    payload: bytes, trusted: Sequence[x509.Certificate], collectivity: str
) -> tuple[SignedKeyList, KeyList]:
    """Return a list that has arrived, as it was signed and opened; see `open_key_list`.

    `trusted` begins with the newest root that is known here. A list must name it: without it, the
    holder of a root that was replaced could sign a first list for those who have had none.

    Raises:
        MessageRefused: it is malformed, or no root that is known here signed it.
    """
    if len(payload) > LIST_MAX_BYTES:
        raise MessageRefused(Reason.OVERSIZE, f"{len(payload)} bytes")
    try:
        signed = read_packed(payload, SignedKeyList)
        keys = open_key_list(signed, trusted, collectivity)
    except msgspec.MsgspecError as exc:
        raise MessageRefused(Reason.MALFORMED, "no key list") from exc
    except DocumentRefused as exc:
        raise MessageRefused(Reason.SIGNATURE, str(exc)) from exc
    roots = read_all_der(each.certificate for each in keys.roots)
    if _key_of(trusted[0]) not in map(_key_of, roots):
        raise MessageRefused(Reason.SIGNATURE, "a key list without the newest root known here")
    return signed, keys


def _check_roots(
    keys: KeyList, roots: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]
) -> None:
    """Check that the newest root is trusted, or follows one that is by unbroken signatures."""
    known = {_key_of(each) for each in trusted}
    places = [place for place, root in enumerate(roots) if _key_of(root) in known]
    if not places:
        raise InvalidSignature
    for before, root, listed in zip(roots, roots[1:], keys.roots[1:], strict=False):
        vouched = read_der(listed.vouched)
        vouched.verify_directly_issued_by(before)
        if _key_of(vouched) != _key_of(root):
            raise InvalidSignature


def _check_issued(issuer: x509.Certificate, roots: Sequence[x509.Certificate]) -> None:
    root = next((each for each in roots if each.subject == issuer.issuer), roots[0])
    issuer.verify_directly_issued_by(root)


def _check_keys(keys: KeyList, use: KeyUse) -> None:
    listed = keys.keys(use)
    if len({each.key for each in listed}) != len(listed):
        raise DocumentRefused(f"This key list names one {use} key twice.")
    for before, after in pairwise(listed):
        signed = _succession(keys.collectivity, use, after)
        Ed25519PublicKey.from_public_bytes(before.key).verify(after.signature, signed)
        if not before.begins <= after.begins <= after.ends:
            raise DocumentRefused(f"This key list has days of {use} keys that do not fit.")


def _verify(root: x509.Certificate, signature: bytes, data: bytes) -> None:
    key = root.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InvalidSignature
    key.verify(signature, data, ec.ECDSA(SHA256()))


def _key_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _signed_bytes(body: bytes) -> bytes:
    return msgspec.msgpack.encode(("volet key list", body))


def _succession(collectivity: str, use: KeyUse, successor: ListedKey) -> bytes:
    return msgspec.msgpack.encode(
        ("volet succession", collectivity, use, successor.key, successor.begins, successor.ends)
    )
