"""The household's ended contracts, so that a new chip can still judge a last bill.

Each is a file in `former/`, named by the contract's hash; the file also holds the last day.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from edge.contracts.agreement import Agreement
from edge.contracts.requests import FOLDER as REQUESTS
from edge.contracts.requests import asked_agreements
from edge.contracts.signed import SignedAgreement, open_contract
from protocol.contract import Signed, open_offer
from protocol.errors import ConfigError, DocumentRefused
from protocol.json_text import read_json
from system.files import FileSet, make_private_dir, read_secret

FOLDER = "former"


class FormerContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An ended contract of the household, with the last day that it covers."""

    offer: Signed
    contract: Signed
    last_day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}(?!\n)$")]


def ended(agreement: Agreement, last_day: date) -> Agreement:
    """Return the agreement, ending with `last_day`."""
    contract = msgspec.structs.replace(agreement.contract, end=last_day + timedelta(days=1))
    return msgspec.structs.replace(agreement, contract=contract)


def read_former(directory: Path) -> list[FormerContract]:
    """Read the ended contracts.

    Raises:
        ConfigError: a file is damaged or open to others.
    """
    contracts = []
    for path in sorted((directory / FOLDER).glob("*.json")):
        try:
            contracts.append(
                read_json(read_secret(path, "import the bundle again."), FormerContract)
            )
        except msgspec.MsgspecError as exc:
            raise ConfigError(f"{path} is damaged: {exc}; import the bundle again.") from exc
    return contracts


def write_former(directory: Path, contracts: Sequence[FormerContract], files: FileSet) -> None:
    """Store ended contracts, mode 0600, with other files."""
    make_private_dir(directory / FOLDER)
    for former in contracts:
        path = directory / FOLDER / f"{former.contract.hash.hex()}.json"
        files.write_secret(path, msgspec.json.encode(former))


def remove_former(directory: Path, contract: bytes, files: FileSet) -> None:
    """Remove a contract from the ended ones, because it is the present one again."""
    files.remove(directory / FOLDER / f"{contract.hex()}.json")


def end_all(contracts: Iterable[FormerContract], last_day: date) -> list[FormerContract]:
    """Return the contracts, each ending with `last_day` at the latest."""
    latest = last_day.isoformat()
    return [
        msgspec.structs.replace(contract, last_day=min(contract.last_day, latest))
        for contract in contracts
    ]


def agreements_of(directory: Path, current: Agreement | None) -> dict[bytes, Agreement]:
    """Return the household's agreements by contract hash: requested, former, then present ones.

    Requested contracts without an answer are included: the collectivity may have enrolled them.

    Raises:
        ConfigError: as `former_agreements`, or a request is damaged.
    """
    requested = [_opened(directory, signed, REQUESTS) for signed in asked_agreements(directory)]
    agreements = [
        *requested,
        *former_agreements(directory),
        *([] if current is None else [current]),
    ]
    return {agreement.contract_hash: agreement for agreement in agreements}


def former_agreements(directory: Path) -> list[Agreement]:
    """Read the household's ended agreements, in the order of their ends.

    Raises:
        ConfigError: a document is damaged, or no chip of the household signed it.
    """
    agreements = [
        ended(
            _opened(directory, SignedAgreement(former.offer, former.contract), FOLDER),
            date.fromisoformat(former.last_day),
        )
        for former in read_former(directory)
    ]
    return sorted(agreements, key=lambda agreement: agreement.contract.end or date.max)


def _opened(directory: Path, signed: SignedAgreement, folder: str) -> Agreement:
    try:
        offer = open_offer(signed.offer)
        contract = open_contract(directory, signed.contract)
    except DocumentRefused as exc:
        raise ConfigError(f"{directory / folder}: {exc}") from exc
    if contract.offer != signed.offer.hash:
        path = directory / folder / f"{signed.contract.hash.hex()}.json"
        raise ConfigError(
            f"{path} holds another offer than its contract takes; put it back from a copy, or "
            "remove it: bills of that contract can no longer be checked then."
        )
    return Agreement(signed.contract.hash, contract, offer)
