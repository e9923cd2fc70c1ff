"""The household's contracts that have ended, so that a last bill can be judged on another chip.

Each is a file in `former/`, named by the contract's hash; with it goes the last day.
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
from system.files import make_private_dir, read_secret, write_secret

FOLDER = "former"


class FormerContract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract of the household before it moved, with the last day that it covered."""

    offer: Signed
    contract: Signed
    last_day: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


def ended(agreement: Agreement, last_day: date) -> Agreement:
    """Return an agreement as one that ends with `last_day`."""
    contract = msgspec.structs.replace(agreement.contract, end=last_day + timedelta(days=1))
    return msgspec.structs.replace(agreement, contract=contract)


def read_former(directory: Path) -> list[FormerContract]:
    """Read the contracts that have ended.

    Raises:
        ConfigError: a file is damaged or open to others.
    """
    found = []
    for path in sorted((directory / FOLDER).glob("*.json")):
        try:
            found.append(read_json(read_secret(path, "import the bundle again."), FormerContract))
        except msgspec.MsgspecError as exc:
            raise ConfigError(f"{path} is damaged: {exc}; import the bundle again.") from exc
    return found


def write_former(directory: Path, contracts: Sequence[FormerContract]) -> None:
    """Keep contracts that have ended, mode 0600."""
    make_private_dir(directory / FOLDER)
    for each in contracts:
        path = directory / FOLDER / f"{each.contract.hash.hex()}.json"
        write_secret(path, msgspec.json.encode(each))


def remove_former(directory: Path, contract: bytes) -> None:
    """Forget that a contract had ended: it is the present one."""
    (directory / FOLDER / f"{contract.hex()}.json").unlink(missing_ok=True)


def end_all(contracts: Iterable[FormerContract], last_day: date) -> list[FormerContract]:
    """Return contracts as they end with `last_day` at the latest."""
    latest = last_day.isoformat()
    return [
        msgspec.structs.replace(each, last_day=min(each.last_day, latest)) for each in contracts
    ]


def agreements_of(directory: Path, current: Agreement | None) -> dict[bytes, Agreement]:
    """Return the household's contracts by their hashes, those from before it moved first.

    Those whose answer has not come are among them: the collectivity may have enrolled them.

    Raises:
        ConfigError: as `former_agreements`, or a request is damaged.
    """
    asked = [_opened(directory, each, REQUESTS) for each in asked_agreements(directory)]
    agreements = [*asked, *former_agreements(directory), *([] if current is None else [current])]
    return {agreement.contract_hash: agreement for agreement in agreements}


def former_agreements(directory: Path) -> list[Agreement]:
    """Read what the household had agreed to before it moved, the first to end first.

    Raises:
        ConfigError: a document is damaged, or no chip of the household signed it.
    """
    agreements = [
        ended(
            _opened(directory, SignedAgreement(each.offer, each.contract), FOLDER),
            date.fromisoformat(each.last_day),
        )
        for each in read_former(directory)
    ]
    return sorted(agreements, key=lambda each: each.contract.end or date.max)


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
