"""Private letters: sealed to one household, kept by its chip, unreadable and unforgeable between."""

import msgspec
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.bills.letters import LetterInbox, opened_letters
from edge.mqtt.handler import DeliveryReceipts, HandlerContext, InboundMessage
from edge.simulate.host import host_time_at
from edge.vault.signer import Signer
from edge.vault.vault import Vault
from protocol.calendar import day_number
from protocol.contract import Contract
from protocol.envelope import Address, decode_body, seal_message
from protocol.errors import CipherError, DocumentRefused, MessageRefused
from protocol.ids import DeviceId
from protocol.keys import HouseholdSecret
from protocol.letters import (
    PADDING_BYTES,
    TEXT_MAX_BYTES,
    Letter,
    open_letter,
    read_letter,
    write_letter,
)
from protocol.messages import Seen
from protocol.topics import Kind
from system.clock import Clock
from tests.support.household import DEVICE, NOW, Household
from tests.support.tariffs import simple_tariff

PLATFORM = Ed25519PrivateKey.generate()
ID = bytes(range(16))
TODAY = day_number(NOW.date())
ADDRESS = Address("ville", DeviceId(DEVICE), Kind.LETTER)
TEXT = "Bonjour,\nil reste 12,34 € à payer. Chèque énergie : 150 €."


@pytest.fixture(scope="module")
def household():
    return Household((simple_tariff(),), NOW.date(), NOW.date(), np.random.default_rng(1))


def written(household, text=TEXT, letter_id=ID, key=None):
    terms = decode_body(household.contract.body, Contract)
    return write_letter(
        text, letter_id, household.contract, terms, key or household.provider_key, TODAY
    )


def message(household, signed, name=ID, key=PLATFORM, household_key=None):
    body = Letter(household_key or household.secret.id, name, msgspec.msgpack.encode(signed))
    return InboundMessage(ADDRESS, seal_message(ADDRESS, body, key), name.hex())


class _Now(Clock):
    def now(self):
        return NOW

    def monotonic_s(self):
        return 0.0

    def host_time(self):
        return host_time_at(NOW)


@pytest.fixture
def chip(household, tmp_path):
    signer = Signer(
        "ville", DEVICE, Ed25519PrivateKey.generate(), household.secret, household.keyring
    )
    vault = Vault.open(tmp_path, signer)
    seen = DeliveryReceipts(signer)
    agreements = {household.contract.hash: household.agreement}
    inbox = LetterInbox(
        HandlerContext(signer, PLATFORM.public_key(), vault, _Now()), seen, agreements
    )
    yield signer, vault, inbox, seen, agreements
    vault.close()


def test_a_letter_is_kept_sealed_said_to_be_seen_and_read_by_the_household(household, chip):
    signer, vault, inbox, seen, agreements = chip
    inbox.take(message(household, written(household)))
    inbox.take(message(household, written(household)))
    (kept,) = vault.letters.all()
    assert b"12,34" not in kept
    (note,) = seen.outgoing(0.0)
    assert signer.open_own(Kind.SEEN, note.payload, Seen).statement == ID
    (letter,) = opened_letters(vault.letters.all(), household.secret, agreements)
    assert (letter.text, letter.provider, letter.written_on) == (
        TEXT,
        "Ville Énergie",
        NOW.date(),
    )


@given(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cn"))
        | st.sampled_from(" \n"),
        min_size=1,
        max_size=1000,
    )
)
def test_what_is_written_is_what_is_read(text):
    made = _HOUSEHOLD
    if not text.strip():
        return
    signed = written(made, text)
    letter = read_letter(signed, made.provider_key.public_key())
    assert open_letter(letter, made.secret.id, made.secret.sealing) == text


_HOUSEHOLD = Household((simple_tariff(),), NOW.date(), NOW.date(), np.random.default_rng(2))


def test_letters_of_any_text_within_a_step_have_the_same_length(household):
    sizes = {len(written(household, "x" * length).body) for length in (1, 10, PADDING_BYTES)}
    assert len(sizes) == 1


@pytest.mark.parametrize("text", ["", " \n", "a\x1b[2K", "a\0b", "x" * (TEXT_MAX_BYTES + 1)])
def test_a_text_that_is_empty_too_long_or_steers_a_terminal_is_refused(household, text):
    with pytest.raises(DocumentRefused):
        written(household, text)


def test_another_household_cannot_open_it(household):
    letter = read_letter(written(household), household.provider_key.public_key())
    other = HouseholdSecret.generate()
    for key in (other.id, household.secret.id):
        with pytest.raises(CipherError):
            open_letter(letter, key, other.sealing)


def test_a_letter_moved_to_another_contract_id_or_day_does_not_open(household):
    letter = read_letter(written(household), household.provider_key.public_key())
    for changes in ({"contract": bytes(32)}, {"id": bytes(16)}, {"written_on": TODAY + 1}):
        moved = msgspec.structs.replace(letter, **changes)
        with pytest.raises(CipherError):
            open_letter(moved, household.secret.id, household.secret.sealing)


def forged(household):
    """What somebody between, or the platform itself, could send instead."""
    signed = written(household)
    other = Household((simple_tariff(),), NOW.date(), NOW.date(), np.random.default_rng(3))
    yield "another platform", message(household, signed, key=Ed25519PrivateKey.generate())
    yield "another provider", message(household, written(household, key=other.provider_key))
    yield "another's contract", message(household, written(other))
    yield "another name", message(household, signed, name=bytes(16))
    yield "another household", message(household, signed, household_key=bytes(16))
    altered = msgspec.structs.replace(signed, body=signed.body[:-1] + bytes([signed.body[-1] ^ 1]))
    yield "altered", message(household, altered)
    yield (
        "no document",
        InboundMessage(
            ADDRESS,
            seal_message(ADDRESS, Letter(household.secret.id, ID, b"\xc1"), PLATFORM),
            ID.hex(),
        ),
    )


def test_forged_letters_are_refused_and_nothing_is_kept(household, chip):
    _, vault, inbox, seen, _ = chip
    for what, incoming in forged(household):
        with pytest.raises(MessageRefused):
            inbox.take(incoming)
        assert vault.letters.all() == [], what
    assert seen.outgoing(0.0) == []
