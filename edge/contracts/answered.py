"""Installs the contracts of the collectivity's answer.

The answer lists the household's contracts as the collectivity holds them: in the order of signing,
each with its days. The chip adopts those days, so that both agree.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import msgspec

from edge.contracts.former import FormerContract, read_former, remove_former, write_former
from edge.contracts.requests import answered_at, asked_agreements, latest_request
from edge.contracts.signed import CONTRACT, OFFER, SignedAgreement, read_agreement
from edge.stage import REQUEST
from protocol.contract import Contract
from protocol.enrolment import EnrolmentRecord, HeldContract
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from system.files import FileSet

SHORT_HASH = 16
ONE_DAY = timedelta(days=1)


def known_contracts(directory: Path) -> dict[bytes, SignedAgreement]:
    """Return every contract that the household signed on this chip or imported to it, by hash."""
    known = [SignedAgreement(former.offer, former.contract) for former in read_former(directory)]
    known += asked_agreements(directory)
    present = read_agreement(directory)
    return {signed.contract.hash: signed for signed in (*known, *([present] if present else []))}


def check_answer(directory: Path, record: EnrolmentRecord) -> None:
    """Check that the chip can adopt the contracts of an answer.

    Raises:
        DocumentRefused: the answer is older than the chip's, names a contract that this chip does
            not have, or contradicts the contracts' days.
    """
    if record.made_at < answered_at(directory):
        raise DocumentRefused(
            "This answer is older than the one that this chip has; install the latest one."
        )
    known = known_contracts(directory)
    if record.contract and record.contract not in known:
        raise DocumentRefused(
            "This answer is to another request, with a contract that this chip has not; hand "
            f"{directory / REQUEST} to the collectivity and install its answer."
        )
    _check_is_of_latest(directory, record)
    for held in record.contracts:
        own = known.get(held.contract)
        if own is not None and decode_body(own.contract.body, Contract).start != held.start:
            raise _disagrees(held)
    for earlier, later in combinations(record.contracts, 2):
        if earlier.last_day is None or earlier.last_day >= max(earlier.start, later.start):
            raise _disagrees(earlier)


def answered_contract(directory: Path, record: EnrolmentRecord) -> SignedAgreement | None:
    """Return the contract that an answer puts in force; None for none, or one that the chip lacks."""
    current = _current(record)
    return None if current is None else known_contracts(directory).get(current.contract)


def _check_is_of_latest(directory: Path, record: EnrolmentRecord) -> None:
    """Check that an answer puts in force the contract of the latest request, if it is an older one's.

    Raises:
        DocumentRefused: the household has asked for another contract since, or for none.
    """
    latest, answered = latest_request(directory), answered_at(directory)
    if latest is None or not answered < record.made_at < latest.mandate.made_at:
        return
    current, present = _current(record), read_agreement(directory)
    put = b"" if current is None else current.contract
    in_force = b"" if present is None else present.contract.hash
    asked = b"" if latest.contract is None else latest.contract.hash
    # On an enrolled chip a request without a contract leaves the present one as it is.
    is_as_before = answered and (put == in_force or not asked)
    if put != asked and not is_as_before:
        raise DocumentRefused(
            "This answer is to an earlier request, of another contract than the present one; hand "
            f"{directory / REQUEST} to the collectivity and install its answer, or make the request once "
            "more with the offer, the first day and the choices of the earlier one."
        )


def _current(record: EnrolmentRecord) -> HeldContract | None:
    return next((held for held in record.contracts if held.last_day is None), None)


def take_contracts(directory: Path, record: EnrolmentRecord, files: FileSet) -> None:
    """Adopt the contracts of a checked answer, with other files; ended contracts are written first."""
    known = known_contracts(directory)
    present = read_agreement(directory)
    listed = {held.contract: held for held in record.contracts}
    current = _current(record)
    ended = [
        FormerContract(own.offer, own.contract, held.last_day.isoformat())
        for held in record.contracts
        if held.last_day is not None and (own := known.get(held.contract)) is not None
    ]
    others = [former for former in read_former(directory) if former.contract.hash not in listed]
    is_replaced = present is not None and (current is not None or present.contract.hash in listed)
    if present is not None and is_replaced and present.contract.hash not in listed:
        others.append(FormerContract(present.offer, present.contract, "9999-12-31"))
    replaced = (_ended_before(other, record.contracts) for other in others)
    write_former(directory, [*ended, *replaced], files)
    if current is not None and (own := known.get(current.contract)) is not None:
        files.write_secret(directory / CONTRACT, msgspec.json.encode(own))
        files.remove(directory / OFFER)
        remove_former(directory, current.contract, files)
    elif is_replaced:
        files.remove(directory / CONTRACT)
        files.remove(directory / OFFER)


def unknown_contracts(directory: Path, held: Iterable[HeldContract]) -> list[HeldContract]:
    """Return the contracts in `held` of which this chip has no copy."""
    known: Mapping[bytes, object] = known_contracts(directory)
    return [contract for contract in held if contract.contract not in known]


def _ended_before(former: FormerContract, listed: Iterable[HeldContract]) -> FormerContract:
    """Shorten a contract that the collectivity does not hold to end before those that it holds."""
    start = decode_body(former.contract.body, Contract).start.isoformat()
    last_day = former.last_day
    for held in listed:
        begins_within = held.start.isoformat() <= last_day
        if begins_within and (held.last_day is None or held.last_day.isoformat() >= start):
            last_day = (held.start - ONE_DAY).isoformat()
    return msgspec.structs.replace(former, last_day=last_day)


def _disagrees(held: HeldContract) -> DocumentRefused:
    return DocumentRefused(
        f"This answer and the household's contracts disagree about the days of contract "
        f"{held.contract.hex()[:SHORT_HASH]}…; ask the collectivity to look into it."
    )
