"""Private messages from a provider to one household, which nobody in between can read.

A message, about arrears or an energy cheque for example, is sealed with HPKE (protocol/hpke.py) to
the household's key in its contract and signed by the provider. It is shown beside the bill and is
never part of it.
"""

from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.calendar import DayNumber
from protocol.contract import Contract, Signed, open_document, sign_document
from protocol.errors import CipherError, DocumentRefused
from protocol.hpke import SealingKey, seal
from protocol.messages import Hash, KeyId, StatementId

TEXT_MAX_BYTES = 8 * 1024
# Texts are padded to a multiple of this, so the length reveals little of the content.
PADDING_BYTES = 1024
SEALED_MAX_BYTES = TEXT_MAX_BYTES + 2 * PADDING_BYTES + 2048


class PrivateLetter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document that a provider signs: a sealed text for the household of a contract."""

    id: StatementId
    contract: Hash
    written_on: DayNumber
    sealed: Annotated[bytes, msgspec.Meta(max_length=SEALED_MAX_BYTES)]


class Letter(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """down/letter/{id}: a provider's signed `PrivateLetter`, unchanged."""

    household_key: KeyId
    id: StatementId
    letter: bytes


def check_text(text: str) -> None:
    """Check the text of a message.

    Raises:
        DocumentRefused: it is empty or too long, or a line is not printable.
    """
    if not text.strip():
        raise DocumentRefused("A letter needs a text.")
    if len(text.encode()) > TEXT_MAX_BYTES:
        raise DocumentRefused(f"A letter has at most {TEXT_MAX_BYTES} bytes; write a shorter one.")
    if not all(line.isprintable() for line in text.split("\n")):
        raise DocumentRefused("A letter holds text and line breaks, nothing else.")


def write_letter(
    text: str,
    letter_id: bytes,
    contract: Signed,
    terms: Contract,
    key: Ed25519PrivateKey,
    written_on: int,
) -> Signed:
    """Seal `text` to the household of a contract, whose body is `terms`, and sign it.

    Raises:
        DocumentRefused: the text breaks a rule.
    """
    check_text(text)
    padded = _pad(text.encode())
    info = _info(terms.household_key, contract.hash, letter_id, written_on)
    sealed = seal(padded, terms.sealing_key, info)
    return sign_document(PrivateLetter(letter_id, contract.hash, written_on, sealed), key)


def read_letter(signed: Signed, provider_key: Ed25519PublicKey) -> PrivateLetter:
    """Verify a message without opening it.

    Raises:
        DocumentRefused: the signature is not the provider's, or this is not a message.
    """
    return open_document(signed, provider_key, PrivateLetter)


def open_letter(letter: PrivateLetter, household_key: bytes, secret: SealingKey) -> str:
    """Open a verified message on the household's chip.

    Raises:
        CipherError: it was sealed to another household, or under another contract or id.
        DocumentRefused: the text breaks a rule.
    """
    info = _info(household_key, letter.contract, letter.id, letter.written_on)
    text = secret.open(letter.sealed, info).rstrip(b"\0")
    try:
        decoded = text.decode()
    except UnicodeDecodeError as exc:
        raise CipherError("what was sealed is no text") from exc
    check_text(decoded)
    return decoded


def _pad(text: bytes) -> bytes:
    return text.ljust(-(-len(text) // PADDING_BYTES) * PADDING_BYTES, b"\0")


def _info(household_key: bytes, contract: bytes, letter_id: bytes, written_on: int) -> bytes:
    return msgspec.msgpack.encode(
        ("volet private letter", household_key, contract, letter_id, written_on)
    )
