"""Finds what a bill's page shows, and composes it: judgement, contract, indices, the bill before."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from edge.bills.arrived import read_arrived
from edge.bills.document import Papers, compose
from edge.bills.judgement import Judgement, Verdict
from edge.bills.letters import read_letters
from edge.bills.sheet import BillDocument
from edge.contracts.agreement import Agreement, load_agreement
from edge.contracts.former import agreements_of
from edge.identity.enrolment import load_identity
from edge.language.choice import Lang
from edge.vault.reader import VaultReader
from protocol.errors import ConfigError, DocumentRefused

ONE_DAY = timedelta(days=1)


def document_of(directory: Path, vault: VaultReader, statement: str, lang: Lang) -> BillDocument:
    """Return the page of the latest bill, or of that whose id begins with `statement`.

    Raises:
        DocumentRefused: there is none.
        ConfigError: the bill's contract is not there.
    """
    judgements = [bill.judgement for bill in read_arrived(directory, vault).bills]
    chosen = latest_bill(judgements, statement)
    return compose(chosen, papers_of(directory, vault, chosen, judgements), lang)


def latest_bill(judgements: Sequence[Judgement], statement: str = "") -> Judgement:
    """Return the bill that ends last, or that whose id begins with `statement`.

    Raises:
        DocumentRefused: there is none.
    """
    matching = [
        judgement
        for judgement in judgements
        if judgement.bill is not None and judgement.statement.startswith(statement.lower())
    ]
    if not matching:
        raise DocumentRefused(
            "There is no such bill yet; `volet edge bills` shows those that have arrived."
        )
    # Of two bills for the same days, take the one that arrived last.
    return max(reversed(matching), key=lambda judgement: judgement.end)


def papers_of(
    directory: Path, vault: VaultReader, chosen: Judgement, judgements: Sequence[Judgement]
) -> Papers:
    """Return what the page of a bill shows beside the judgement.

    Raises:
        ConfigError: the bill's contract is not there.
    """
    agreement, identity = _agreement(directory, chosen), load_identity(directory)
    before = [j for j in judgements if j.end <= chosen.start and j.verdict is Verdict.CORRECT]
    rows = {
        row.closed.day: row.closed for row in vault.day_rows(chosen.start - ONE_DAY, chosen.end)
    }
    return Papers(
        agreement.offer,
        agreement.contract_hash,
        rows.get(chosen.start - ONE_DAY),
        rows.get(chosen.end - ONE_DAY),
        max(before, key=lambda judgement: judgement.end, default=None),
        tuple(
            letter.text
            for letter in read_letters(directory, identity, vault)
            if letter.written_on >= chosen.start
        ),
        agreement.contract.consent,
    )


def _agreement(directory: Path, chosen: Judgement) -> Agreement:
    """Return the agreement whose contract a bill charges."""
    agreements = agreements_of(directory, load_agreement(directory))
    agreement = agreements.get(bytes.fromhex(chosen.billed_contract))
    if agreement is None and not chosen.billed_contract:
        agreement = next(
            (candidate for candidate in agreements.values() if _covers(candidate, chosen)), None
        )
    if agreement is None:
        raise ConfigError(
            f"{directory} does not hold the contract of this bill, which cannot be laid out; put "
            "the contract back from a copy."
        )
    return agreement


def _covers(agreement: Agreement, chosen: Judgement) -> bool:
    contract = agreement.contract
    return contract.start <= chosen.start and (contract.end is None or chosen.end <= contract.end)
