"""Checks that a household's contracts follow each other.

A new contract holds from its first day and ends the former one there. Each day thus belongs to one
contract, and billed days stay with the contract that billed them.
"""

from datetime import date, timedelta
from pathlib import Path

from edge.contracts.former import read_former
from edge.contracts.signed import read_agreement
from edge.language.numbers import SHORT_HASH
from edge.vault.database import FILE_NAME
from edge.vault.reader import read_vault
from protocol.calendar import day_of_number
from protocol.contract import Contract, Signed, StatementRequest
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.packed import read_packed


def check_follows(directory: Path, signed: Signed) -> None:
    """Check that a contract may follow those of the household in `directory`.

    Raises:
        DocumentRefused: it has ended, or begins on days that are billed already.
    """
    present = read_agreement(directory)
    if present is not None and present.contract.hash == signed.hash:
        return
    start = decode_body(signed.body, Contract).start
    if any(former.contract.hash == signed.hash for former in read_former(directory)):
        raise DocumentRefused(
            f"This contract from {start} on has ended and is not taken again as it was; name a "
            "later first day."
        )
    billed = _billed_last(directory)
    if billed is None:
        return
    end, contract = billed
    if start < end:
        raise DocumentRefused(
            f"Bills of contract {contract.hex()[:SHORT_HASH]}… have billed the days up to "
            f"{end - timedelta(days=1)}; begin the new contract on {end} or later."
        )


def _billed_last(directory: Path) -> tuple[date, bytes] | None:
    """Return the day after the last billed one, and the contract that billed it."""
    if not (directory / FILE_NAME).exists():
        return None
    with read_vault(directory) as vault:
        requests = [read_packed(row.request, StatementRequest) for row in vault.billed()]
    return max(
        ((day_of_number(request.end), request.contract) for request in requests), default=None
    )
