"""Moving house: the end of a contract, a household's leave message, and its mandate to a chip.

A household has its own identity, an Ed25519 key derived from its root secret
(`HouseholdSecret.identity`). The first enrolment registers its public half. The identity signs the
end of contracts, and mandates that allow another chip to act for the household. The chip's own key
signs the enrolment request, so both have agreed.
"""

from datetime import date
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocol.calendar import DayNumber
from protocol.contract import Signed, open_document
from protocol.errors import DocumentRefused
from protocol.ids import PublicKey
from protocol.keys import HouseholdSecret
from protocol.messages import Hash, KeyId
from protocol.packed import read_packed

CONTRACTS_MAX = 16
DOCUMENT_MAX_BYTES = 1_024
SIGNATURE_BYTES = 64
ANY_CONTRACT = bytes(32)

# Milliseconds since 1970; the later of two mandates applies.
MandateTime = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Termination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household ends a contract with `last_day`; a `Signed` document under its identity.

    `ANY_CONTRACT` means every contract that lasts longer.
    """

    contract: Hash
    household_key: KeyId
    last_day: date


class _Body(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    pass


class Leave(_Body, frozen=True):
    """up/leave: the household moves out; `last_day` is its last day with blocks from this home.

    `terminations` are signed documents, as MessagePack. One ends all contracts that last longer.
    """

    household_key: KeyId
    last_day: DayNumber
    terminations: Annotated[
        tuple[Annotated[bytes, msgspec.Meta(max_length=DOCUMENT_MAX_BYTES)], ...],
        msgspec.Meta(max_length=CONTRACTS_MAX),
    ]


class Left(_Body, frozen=True):
    """down/left: the cloud has stored the household's leave."""

    household_key: KeyId
    last_day: DayNumber


class Mandate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The household authorises a chip to act for it.

    `identity` is its public key. `made_at` (milliseconds) increases from mandate to mandate. The
    signature covers both of these and the chip's two keys.
    """

    identity: PublicKey
    made_at: MandateTime
    signature: Annotated[
        bytes, msgspec.Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)
    ]


def give_mandate(
    household: HouseholdSecret, signing_key: bytes, csr_pem: bytes, made_at: int
) -> Mandate:
    """Authorise the chip with this public key and signing request to act for a household."""
    identity = household.identity
    text = _mandate_bytes(household.id, signing_key, csr_pem, made_at)
    return Mandate(identity.public_key().public_bytes_raw(), made_at, identity.sign(text))


def check_mandate(
    mandate: Mandate, household_key: bytes, signing_key: bytes, csr_pem: bytes
) -> None:
    """Check that the holder of `mandate.identity` authorised this chip for this household key.

    Only the registry knows whether that identity is the household's.

    Raises:
        DocumentRefused: the mandate is for another chip or household, or forged.
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
        DocumentRefused: it is not a termination, or not the household's.
    """
    try:
        signed = read_packed(document, Signed)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("This is no signed termination.") from exc
    return open_document(signed, Ed25519PublicKey.from_public_bytes(identity), Termination)


def _mandate_bytes(household_key: bytes, signing_key: bytes, csr_pem: bytes, made_at: int) -> bytes:
    parts = ("volet household mandate", household_key, signing_key, csr_pem, made_at)
    return msgspec.msgpack.encode(parts)
