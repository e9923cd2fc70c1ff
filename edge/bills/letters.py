"""Checks providers' private messages, stores them sealed, and opens them for the household."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contracts.agreement import Agreement, load_agreement
from edge.contracts.former import agreements_of
from edge.identity.enrolment import Identity
from edge.mqtt.handler import DeliveryReceipts, HandlerContext, InboundMessage, MessageHandler
from edge.vault.reader import VaultReader
from protocol.calendar import day_of_number
from protocol.contract import Signed
from protocol.envelope import open_message
from protocol.errors import CipherError, DocumentRefused, MessageRefused, Reason
from protocol.keys import HouseholdSecret
from protocol.letters import Letter, PrivateLetter, open_letter, read_letter
from protocol.packed import read_packed
from protocol.topics import Kind

Agreements = Mapping[bytes, Agreement]
"""The household's contracts, former ones included, by their hashes."""


class LetterInbox(MessageHandler):
    """Stores messages of providers with whom the household has a contract."""

    kinds = frozenset({Kind.LETTER})

    def __init__(
        self,
        context: HandlerContext,
        seen: DeliveryReceipts,
        agreements: Agreements,
    ) -> None:
        """Accept messages under `agreements`, the household's contracts by their hashes."""
        self._vault, self._clock = context.vault, context.clock
        self._household, self._platform_key = context.signer.household, context.platform_key
        self._seen = seen
        self._agreements = agreements

    def take(self, message: InboundMessage) -> None:
        """See `MessageHandler.take`."""
        if not message.payload:
            return  # the cloud has withdrawn it
        body = open_message(message.address, message.payload, self._platform_key, Letter)
        if body.household_key != self._household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")
        if body.id.hex() != message.rest:
            raise MessageRefused(Reason.TOPIC, "the topic names another letter")
        try:
            letter = _read(body.letter, self._agreements)
            open_letter(letter, self._household.id, self._household.sealing)
        except (DocumentRefused, CipherError) as exc:
            raise MessageRefused(
                Reason.DOCUMENT, "a letter that is not for this household"
            ) from exc
        if letter.id != body.id:
            raise MessageRefused(Reason.TOPIC, "another letter than its name says")
        self._vault.save_letter(letter.id, self._clock.now(), body.letter)
        self._seen.add(letter.id)


class OpenedLetter(msgspec.Struct, frozen=True):
    """An opened message of a provider."""

    id: str
    provider: str
    written_on: date
    text: str


def opened_letters(
    letters: Iterable[bytes], household: HouseholdSecret, agreements: Agreements
) -> list[OpenedLetter]:
    """Open stored messages, without those whose contract is no longer here."""
    opened = []
    for data in letters:
        try:
            letter = _read(data, agreements)
            text = open_letter(letter, household.id, household.sealing)
        except (DocumentRefused, CipherError):
            continue
        provider = agreements[letter.contract].offer.provider
        written_on = day_of_number(letter.written_on)
        opened.append(OpenedLetter(letter.id.hex(), provider, written_on, text))
    return opened


def _read(data: bytes, agreements: Agreements) -> PrivateLetter:
    """Verify a message with the key of the provider whose contract it names."""
    try:
        signed = read_packed(data, Signed)
        named = read_packed(signed.body, PrivateLetter)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("This is no letter.") from exc
    agreement = agreements.get(named.contract)
    if agreement is None:
        raise DocumentRefused("The letter names a contract that is not the household's.")
    return read_letter(signed, Ed25519PublicKey.from_public_bytes(agreement.offer.provider_key))


def read_letters(directory: Path, identity: Identity, vault: VaultReader) -> list[OpenedLetter]:
    """Return the messages that the chip in `directory` keeps, opened, newest first.

    Raises:
        ConfigError: a contract is damaged.
    """
    agreements = agreements_of(directory, load_agreement(directory))
    return opened_letters(vault.letters.all(), identity.household, agreements)
