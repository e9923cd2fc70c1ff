"""The household's choices in a contract; a repeated request keeps them.

The chip itself sometimes advises the household to repeat its request (new or mistyped meter). An
omitted option must not undo a choice then, or receipts would reveal what the household refused to
reveal.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from edge.contracts.enrolling import requested_contract
from edge.contracts.former import former_agreements
from edge.contracts.signed import load_contract
from edge.identity.keys import Keys
from protocol.contract import Consent, Contract
from protocol.envelope import decode_body
from protocol.errors import ConfigError, DocumentRefused

Chosen = TypeVar("Chosen")


@dataclass(frozen=True, slots=True)
class Choice(Generic[Chosen]):
    """A chosen value; `is_kept`: it comes from an earlier contract because no option was given."""

    value: Chosen
    is_kept: bool


@dataclass(frozen=True, slots=True)
class ContractChoices:
    """What receipts may reveal, and whether the contract follows offers that extend its own.

    The field names are those of `Contract`: each field there that a household may omit is here.
    """

    consent: Choice[Consent]
    follows: Choice[bool]


def choose(
    directory: Path, keys: Keys, *, consent: Consent | None, follows: bool | None
) -> ContractChoices:
    """Return the choices of a new contract: those given, and the household's earlier ones.

    Raises:
        DocumentRefused: a choice that is not given differs between the present contract and the
            last request, so that it is ambiguous.
        ConfigError: a contract is damaged.
    """
    earlier = _earlier(directory, keys)
    return ContractChoices(
        _choice("--consent", consent, [contract.consent for contract in earlier], Consent.TOTAL),
        _choice("--follow/--fixed", follows, [contract.follows for contract in earlier], True),
    )


def _earlier(directory: Path, keys: Keys) -> list[Contract]:
    """Return the present and the last requested contract; without both, the last that ended."""
    contracts = [] if (present := load_contract(directory)) is None else [present[1]]
    with suppress(ConfigError, DocumentRefused):  # the new request replaces a damaged one
        if (requested := requested_contract(directory, keys)) is not None:
            contracts.append(decode_body(requested.contract.body, Contract))
    return contracts or [former.contract for former in former_agreements(directory)[-1:]]


def _choice(
    option: str, given: Chosen | None, earlier: Sequence[Chosen], default: Chosen
) -> Choice[Chosen]:
    if given is not None:
        return Choice(given, is_kept=False)
    if not earlier:
        return Choice(default, is_kept=False)
    if earlier[0] != earlier[-1]:
        raise DocumentRefused(
            f"Your present contract and your last request differ in {option}; say which you choose."
        )
    return Choice(earlier[0], is_kept=True)
