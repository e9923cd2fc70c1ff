"""What the household has signed off to its provider, and why not, read from a vault."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge.bills.receipt_rules import ReceiptRules
from edge.bills.receipts import MISMATCHES_MAX, Hold
from edge.bills.verifier import read_judgement
from edge.catalogue.reader import Copy
from edge.contracts.agreement import load_agreement
from edge.contracts.former import agreements_of
from edge.contracts.listed import Contracts
from edge.identity.enrolment import load_identity, signer_of
from edge.vault.reader import VaultReader
from protocol.errors import ConfigError


class SignedOff(msgspec.Struct, frozen=True):
    """A statement, and how far its receipt has come; None: there is none.

    `held` says why there is none, None where that is not known, or nothing stands against it.
    """

    statement: str
    start: str
    end: str
    receipt: str | None
    held: Hold | None = None


class Overview(msgspec.Struct, frozen=True):
    """What has been signed off, and what holds receipts back."""

    statements: tuple[SignedOff, ...]
    mismatches: int
    is_held: bool
    days_in_doubt: int


def overview(vault: VaultReader, holds: Mapping[bytes, Hold]) -> Overview:
    """Read what a vault knows of receipts; `holds` says why statements have none."""
    states = vault.receipts.states()
    held = sum(vault.receipts.mismatches().values())
    statements = []
    for row in vault.statements():
        judgement = read_judgement(row)
        if judgement is not None:
            state = states.get(row.id)
            word = None if state is None else state.name.lower()
            start, end = judgement.start.isoformat(), judgement.end.isoformat()
            statements.append(SignedOff(row.id.hex(), start, end, word, holds.get(row.id)))
    doubts = sum(not is_certain for is_certain in vault.receipts.covered().values())
    return Overview(tuple(statements), held, held >= MISMATCHES_MAX, doubts)


def read_holds(directory: Path, vault: VaultReader) -> dict[bytes, Hold]:
    """Return why statements have no receipt, by the contracts in `directory`.

    A vault that lies without its chip's keys or contracts tells none.
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
