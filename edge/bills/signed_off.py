"""Reads from a vault the statements and the state of each one's receipt to the provider."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge.bills.receipt_rules import ReceiptRules
from edge.bills.receipts import MISMATCHES_MAX, Hold
from edge.bills.verifier import read_judgement
from edge.contracts.agreement import load_agreement
from edge.contracts.catalogue import Copy
from edge.contracts.former import agreements_of
from edge.contracts.listed import Contracts
from edge.identity.enrolment import load_identity, signer_of
from edge.vault.reader import VaultReader
from protocol.errors import ConfigError


class SignedOff(msgspec.Struct, frozen=True):
    """A statement and the state of its receipt; None: there is no receipt.

    `held` is the reason for that; None where it is unknown or nothing holds the receipt back.
    """

    statement: str
    start: str
    end: str
    receipt: str | None
    held: Hold | None = None


class Overview(msgspec.Struct, frozen=True):
    """The statements with their receipts, and what holds receipts back."""

    statements: tuple[SignedOff, ...]
    mismatches: int
    is_held: bool
    days_in_doubt: int


def overview(vault: VaultReader, holds: Mapping[bytes, Hold]) -> Overview:
    """Read the state of receipts from a vault; `holds`: why statements have none."""
    states = vault.receipts.states()
    mismatches, doubts = _held(vault)
    statements = []
    for row in vault.statements():
        judgement = read_judgement(row)
        if judgement is not None:
            state = states.get(row.id)
            state_name = None if state is None else state.name.lower()
            start, end = judgement.start.isoformat(), judgement.end.isoformat()
            statements.append(SignedOff(row.id.hex(), start, end, state_name, holds.get(row.id)))
    return Overview(tuple(statements), mismatches, mismatches >= MISMATCHES_MAX, doubts)


def asks_for_release(vault: VaultReader) -> bool:
    """Return whether receipts are held back until the household releases them."""
    mismatches, doubts = _held(vault)
    return mismatches >= MISMATCHES_MAX or doubts > 0


def _held(vault: VaultReader) -> tuple[int, int]:
    """Return how many statements did not agree, and for how many days a receipt may have left."""
    doubts = sum(not is_certain for is_certain in vault.receipts.covered().values())
    return sum(vault.receipts.mismatches().values()), doubts


def read_holds(directory: Path, vault: VaultReader) -> dict[bytes, Hold]:
    """Return, by statement id, why there is no receipt under the contracts in `directory`.

    Returns none where the directory lacks the chip's keys or contracts.
    """
    try:
        identity = load_identity(directory)
        agreements = agreements_of(directory, load_agreement(directory))
    except ConfigError:
        return {}
    key = identity.platform_key
    listed = Copy(vault, identity.collectivity, key).catalogue
    contracts = Contracts(agreements, identity.meter_salt, listed, vault.departures.get)
    return ReceiptRules(signer_of(identity), key, vault, contracts).holds()
