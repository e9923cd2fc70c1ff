"""What a household chooses in a contract; a request that is typed again keeps it.

The chip itself advises to make the request again (another meter, a mistyped one). An option that is
left out must not undo a choice then: receipts would say what the household has refused to tell.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from edge.contracts.enrolling import requested_contract
from edge.contracts.former import former_agreements
from edge.contracts.signed import load_contract
from edge.contracts.words import AS_BEFORE, CONSENTS, PRICES, TAKING
from edge.identity.keys import Keys
from edge.language.choice import Lang
from edge.language.numbers import day_text
from protocol.contract import Consent, Contract, Signed
from protocol.envelope import decode_body
from protocol.errors import ConfigError, DocumentRefused

Chosen = TypeVar("Chosen")


@dataclass(frozen=True, slots=True)
class Choice(Generic[Chosen]):
    """What is chosen, and whether it is as in an earlier contract because no option says it."""

    value: Chosen
    is_kept: bool


@dataclass(frozen=True, slots=True)
class ContractChoices:
    """What receipts may say, and whether later offers that extend the contract's hold for it.

    The names are those of `Contract`; each field there that a household may leave out stands here.
    """

    consent: Choice[Consent]
    follows: Choice[bool]


def choose(
    directory: Path, keys: Keys, *, consent: Consent | None, follows: bool | None
) -> ContractChoices:
    """Return the choices of a new contract: those given, others as in the household's contract.

    Raises:
        DocumentRefused: one that is not given differs between the present contract and the last
            request, so that nobody knows which is meant.
        ConfigError: a contract is damaged.
    """
    earlier = _earlier(directory, keys)
    return ContractChoices(
        _choice("--consent", consent, [each.consent for each in earlier], Consent.TOTAL),
        _choice("--follow/--fixed", follows, [each.follows for each in earlier], True),
    )


def contract_in_words(signed: Signed, serial: str, choices: ContractChoices, lang: Lang) -> str:
    """Say what a contract says, and which of it is as before; for the household's own eyes."""
    contract = decode_body(signed.body, Contract)
    consent, prices = CONSENTS[lang][contract.consent], PRICES[lang][contract.follows]
    return TAKING[lang].format(
        serial=serial,
        start=day_text(contract.start, lang),
        consent=consent + (AS_BEFORE[lang] if choices.consent.is_kept else ""),
        prices=prices + (AS_BEFORE[lang] if choices.follows.is_kept else ""),
    )


def _earlier(directory: Path, keys: Keys) -> list[Contract]:
    """Return the present contract and the one asked for last; without both, the last that ended."""
    found = [] if (present := load_contract(directory)) is None else [present[1]]
    with suppress(ConfigError, DocumentRefused):  # a damaged request is to be made again
        if (asked := requested_contract(directory, keys)) is not None:
            found.append(decode_body(asked.contract.body, Contract))
    return found or [each.contract for each in former_agreements(directory)[-1:]]


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
