"""The household's side of a contract: the contract, its offer, and the listed documents for it."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge.contracts.signed import load_contract, read_agreement
from protocol.contract import Contract, Offer
from protocol.schedule import Schedules


class Agreement(msgspec.Struct, frozen=True):
    """A contract that the household signed, and the offer that it accepted."""

    contract_hash: bytes
    contract: Contract
    offer: Offer


class ListedDocuments(msgspec.Struct, frozen=True):
    """The listed documents that the chip holds: offers that extend the contract's, schedules."""

    extensions: Mapping[bytes, Offer]
    schedules: Schedules


def load_agreement(directory: Path) -> Agreement | None:
    """Read the household's contract and offer; None if it has no contract.

    Raises:
        ConfigError: the documents are damaged or do not belong together.
    """
    signed, documents = read_agreement(directory), load_contract(directory)
    if signed is None or documents is None:
        return None
    offer, contract = documents
    return Agreement(signed.contract.hash, contract, offer)
