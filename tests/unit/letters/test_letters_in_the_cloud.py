"""A letter's way through the cloud: kept, published, seen; opened by its household alone."""

from datetime import UTC, date, datetime

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.letters import due_letters
from cloud.ingest.pipeline import Ingest
from cloud.store.providers import StoredLetter
from cloud.store.sqlite.store import SqliteStore
from protocol.contract import Consent, Contract, Signed, sign_document
from protocol.envelope import Address, open_message
from protocol.hpke import SealingKey
from protocol.letters import Letter, open_letter, read_letter, write_letter
from protocol.messages import Seen
from protocol.provider_api import LetterState
from protocol.topics import Kind
from system.set_aside import SetAside
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PLATFORM = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TEXT = "Votre facture de septembre reste à payer."


@pytest.fixture
def store(tmp_path):
    store = SqliteStore.open(tmp_path)
    yield store
    store.close()


def test_a_letter_is_published_until_the_chip_has_seen_it(store):
    chip, provider, household = FakeChip(), Ed25519PrivateKey.generate(), SealingKey.generate()
    terms = Contract(
        bytes(32), chip.household_key, household.public_bytes, bytes(32),
        date(2026, 9, 1), None, Consent.NOTHING, follows=False,
    )  # fmt: skip
    contract = sign_document(terms, Ed25519PrivateKey.generate())
    signed = write_letter(TEXT, b"l" * 16, contract, terms, provider, 20_000)
    encoded = msgspec.msgpack.encode(signed)
    store.providers.put_letter(
        StoredLetter(
            b"l" * 16, contract.hash, chip.household_key, encoded, LetterState.PENDING, NOW
        )
    )
    ville = chip.collectivity
    assert (
        due_letters(store, PLATFORM, ville, SetAside(), is_again=True) == ()
    )  # nobody speaks for it yet
    store.enrol(chip.enrolment)

    (message,) = due_letters(store, PLATFORM, ville, SetAside(), is_again=False)
    assert (message.topic, message.retain) == (chip.topic(Kind.LETTER, (b"l" * 16).hex()), True)
    assert TEXT.encode() not in message.payload
    address = Address(ville, chip.device, Kind.LETTER)
    body = open_message(address, message.payload, PLATFORM.public_key(), Letter)
    letter = read_letter(msgspec.msgpack.decode(body.letter, type=Signed), provider.public_key())
    assert open_letter(letter, chip.household_key, household) == TEXT

    assert due_letters(store, PLATFORM, ville, SetAside(), is_again=False) == ()
    assert due_letters(store, PLATFORM, ville, SetAside(), is_again=True) == (message,)

    ingest = Ingest(store, ville, PLATFORM, lambda: NOW)
    stranger = FakeChip()
    store.enrol(stranger.enrolment)
    refused = ingest.process([stranger.message(Kind.SEEN, Seen(stranger.household_key, b"l" * 16))])
    assert len(refused.refused) == 1
    assert due_letters(store, PLATFORM, ville, SetAside(), is_again=True) == (message,)

    done = ingest.process([chip.message(Kind.SEEN, Seen(chip.household_key, b"l" * 16))])
    assert not done.refused
    assert (message.topic, b"") in [(each.topic, each.payload) for each in done.outgoing]
    assert due_letters(store, PLATFORM, ville, SetAside(), is_again=True) == ()
    stored = store.providers.letter(b"l" * 16)
    assert stored.state is LetterState.SEEN
