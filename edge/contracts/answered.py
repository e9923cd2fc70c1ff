"""What the collectivity answers about the household's contracts, made what the chip goes by.

The answer lists them as the collectivity holds them: in the order in which the household signed
them, each with its days. The chip takes the days from there, so that both agree.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import msgspec

from edge.contracts.former import FormerContract, read_former, remove_former, write_former
from edge.contracts.requests import answered_at, asked_agreements
from edge.contracts.signed import CONTRACT, OFFER, SignedAgreement, read_agreement
from edge.stage import REQUEST
from protocol.contract import Contract
from protocol.enrolment import EnrolmentRecord, HeldContract
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from system.files import write_secret

SHORT_HASH = 16
ONE_DAY = timedelta(days=1)


def known_contracts(directory: Path) -> dict[bytes, SignedAgreement]:
    """Return every contract that the household has signed on this chip or brought to it."""
    known = [SignedAgreement(each.offer, each.contract) for each in read_former(directory)]
    known += asked_agreements(directory)
    present = read_agreement(directory)
    return {each.contract.hash: each for each in (*known, *([present] if present else []))}


def check_answer(directory: Path, record: EnrolmentRecord) -> None:
    """Check that the chip can go by the contracts of an answer.

    Raises:
        DocumentRefused: it is older than the chip's, names a contract that this chip has not, or
            tells of its contracts what they do not say.
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
    for each in record.contracts:
        own = known.get(each.contract)
        if own is not None and decode_body(own.contract.body, Contract).start != each.start:
            raise _disagrees(each)
    for earlier, later in combinations(record.contracts, 2):
        if earlier.last_day is None or earlier.last_day >= max(earlier.start, later.start):
            raise _disagrees(earlier)


def take_contracts(directory: Path, record: EnrolmentRecord) -> None:
    """Make the contracts of a checked answer the chip's; what ends is written first."""
    known = known_contracts(directory)
    present = read_agreement(directory)
    listed = {each.contract: each for each in record.contracts}
    holding = next((each for each in record.contracts if each.last_day is None), None)
    ended = [
        FormerContract(own.offer, own.contract, each.last_day.isoformat())
        for each in record.contracts
        if each.last_day is not None and (own := known.get(each.contract)) is not None
    ]
    others = [each for each in read_former(directory) if each.contract.hash not in listed]
    is_replaced = present is not None and (holding is not None or present.contract.hash in listed)
    if present is not None and is_replaced and present.contract.hash not in listed:
        others.append(FormerContract(present.offer, present.contract, "9999-12-31"))
    write_former(directory, [*ended, *(_beside(each, record.contracts) for each in others)])
    if holding is not None and (own := known.get(holding.contract)) is not None:
        _write_present(directory, own)
        remove_former(directory, holding.contract)
    elif is_replaced:
        (directory / CONTRACT).unlink(missing_ok=True)
        (directory / OFFER).unlink(missing_ok=True)


def unknown_contracts(directory: Path, held: Iterable[HeldContract]) -> list[HeldContract]:
    """Return the contracts of an answer of which this chip has no copy."""
    known: Mapping[bytes, object] = known_contracts(directory)
    return [each for each in held if each.contract not in known]


def _write_present(directory: Path, agreement: SignedAgreement) -> None:
    write_secret(directory / CONTRACT, msgspec.json.encode(agreement))
    (directory / OFFER).unlink(missing_ok=True)


def _beside(former: FormerContract, listed: Iterable[HeldContract]) -> FormerContract:
    """Return a contract that the collectivity does not hold, without the days of those it holds."""
    start = decode_body(former.contract.body, Contract).start.isoformat()
    last_day = former.last_day
    for each in listed:
        begins_within = each.start.isoformat() <= last_day
        if begins_within and (each.last_day is None or each.last_day.isoformat() >= start):
            last_day = (each.start - ONE_DAY).isoformat()
    return msgspec.structs.replace(former, last_day=last_day)


def _disagrees(each: HeldContract) -> DocumentRefused:
    return DocumentRefused(
        f"This answer and the household's contracts disagree about the days of contract "
        f"{each.contract.hex()[:SHORT_HASH]}…; ask the collectivity to look into it."
    )
