"""People who move: the end of a contract, a household's word to the cloud, and its mandate to a chip.

A household has an identity of its own, an Ed25519 key that follows from its root secret
(`HouseholdSecret.identity`). Its public half is registered with the first enrolment. It signs the
end of contracts, and that another chip may speak for the household: the chip's own key signs the
request, so that both have agreed.
"""

from datetime import date
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.contract import Signed, open_document
from protocol.errors import DocumentRefused
from protocol.keys import HouseholdSecret
from protocol.messages import DayNumber, Hash, KeyId

CONTRACTS_MAX = 16
DOCUMENT_MAX_BYTES = 1_024
SIGNATURE_BYTES = 64
ANY_CONTRACT = bytes(32)

IdentityKey = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
# Milliseconds since 1970: of two mandates the later one holds.
MandateTime = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Termination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household ends a contract with `last_day`; a `Signed` document under its identity.

    `ANY_CONTRACT` stands for whichever holds longer.
    """

    contract: Hash
    household_key: KeyId
    last_day: date


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class Leave(_Body, frozen=True):
    """up/leave: the household moves out; `last_day` is the last of which it sends blocks from here.

    `terminations` are signed documents, as MessagePack: by one, all contracts that hold longer end.
    """

    household_key: KeyId
    last_day: DayNumber
    terminations: Annotated[
        tuple[Annotated[bytes, msgspec.Meta(max_length=DOCUMENT_MAX_BYTES)], ...],
        msgspec.Meta(max_length=CONTRACTS_MAX),
    ]


class Left(_Body, frozen=True):
    """down/left: the cloud has kept the household's leave."""

    household_key: KeyId
    last_day: DayNumber


class Mandate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household lets a chip speak for it.

    `identity` is its public key; `made_at` (milliseconds) only rises from mandate to mandate; the
    signature is over all that and the chip's two keys.
    """

    identity: IdentityKey
    made_at: MandateTime
    signature: Annotated[
        bytes, msgspec.Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)
    ]


def give_mandate(
    household: HouseholdSecret, signing_key: bytes, csr_pem: bytes, made_at: int
) -> Mandate:
    """Let the chip with this public signing key and this signing request speak for a household."""
    identity = household.identity
    text = _mandate_bytes(household.id, signing_key, csr_pem, made_at)
    return Mandate(identity.public_key().public_bytes_raw(), made_at, identity.sign(text))


def check_mandate(
    mandate: Mandate, household_key: bytes, signing_key: bytes, csr_pem: bytes
) -> None:
    """Check that the holder of `mandate.identity` lets this chip speak for this household key.

    Whether that identity is the household's, the registry knows.

    Raises:
        DocumentRefused: it was given to another chip or for another household, or is forged.
    """
    text = _mandate_bytes(household_key, signing_key, csr_pem, mandate.made_at)
    try:
        Ed25519PublicKey.from_public_bytes(mandate.identity).verify(mandate.signature, text)
    except InvalidSignature as exc:
        raise DocumentRefused(
            "The household has not consented to this chip: the signature does not fit."
        ) from exc


def open_termination(document: bytes, identity: bytes) -> Termination:
    """Verify and decode a termination of the household with this identity (32 bytes).

    Raises:
        DocumentRefused: it is none, or not the household's.
    """
    try:
        signed = msgspec.msgpack.decode(document, type=Signed)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("This is no signed termination.") from exc
    return open_document(signed, Ed25519PublicKey.from_public_bytes(identity), Termination)


def _mandate_bytes(household_key: bytes, signing_key: bytes, csr_pem: bytes, made_at: int) -> bytes:
    parts = ("volet household mandate", household_key, signing_key, csr_pem, made_at)
    return msgspec.msgpack.encode(parts)
