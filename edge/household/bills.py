"""The bills that have arrived, as the chip judged them, and the lines of one."""

from datetime import timedelta
from pathlib import Path

from edge.bills.arrived import ArrivedBill, ArrivedBills, notes, read_arrived
from edge.bills.document import FINDINGS, compose, proof
from edge.bills.papers import latest_bill, papers_of
from edge.bills.receipt_words import held_in_words, receipt_in_words
from edge.bills.words import VERDICTS, WORDS
from edge.contracts.signed import read_agreement
from edge.contracts.words import NOTICES
from edge.household.shown_bills import BillList, BillRow, BillVerdict, ShownBill
from edge.language.choice import Lang
from edge.language.french.looking_up import sentence_in
from edge.vault.reader import VaultReader
from protocol.errors import ConfigError, DocumentRefused

ONE_DAY = timedelta(days=1)


def bills(directory: Path, vault: VaultReader, statement: str | None, lang: Lang) -> BillList:
    """Return the bills of the chip in `directory`, with that statement or the latest bill.

    Raises:
        DocumentRefused: there is no such statement.
    """
    arrived = read_arrived(directory, vault)
    words = WORDS[lang]
    waiting = [words["postponed"].format(count=arrived.waiting)] if arrived.waiting else []
    chosen = _chosen(arrived, statement)
    return BillList(
        rows=tuple(_row(bill, lang) for bill in reversed(arrived.bills)),
        shown=None if chosen is None else _shown(directory, vault, arrived, chosen, lang),
        warnings=(
            *(NOTICES[lang][kind] for kind in arrived.differing),
            *held_in_words(arrived.receipts, lang),
            *waiting,
        ),
        has_contract=read_agreement(directory) is not None,
    )


def latest(directory: Path, vault: VaultReader, lang: Lang) -> tuple[BillRow | None, int]:
    """Return the bill that `bills` would show, and on how many the household may have to act."""
    arrived = read_arrived(directory, vault)
    shown, wrong = _chosen(arrived, None), sum(bill.asks_for_action for bill in arrived.bills)
    return None if shown is None else _row(shown, lang), wrong


def _chosen(arrived: ArrivedBills, statement: str | None) -> ArrivedBill | None:
    by_statement = {bill.judgement.statement: bill for bill in arrived.bills}
    if statement is not None:
        if statement not in by_statement:
            raise DocumentRefused(
                "There is no such bill yet; `volet edge bills` shows those that have arrived."
            )
        return by_statement[statement]
    opened = [bill.judgement for bill in arrived.bills if bill.judgement.bill is not None]
    if opened:
        return by_statement[latest_bill(opened).statement]
    return arrived.bills[-1] if arrived.bills else None


def _row(bill: ArrivedBill, lang: Lang) -> BillRow:
    judgement = bill.judgement
    return BillRow(
        statement=judgement.statement,
        first=judgement.start,
        last=judgement.end - ONE_DAY,
        verdict=BillVerdict(judgement.verdict.value),
        asks_for_action=bill.asks_for_action,
        total_eur=None if judgement.bill is None else judgement.bill.total_ttc,
        receipt="" if bill.receipt is None else receipt_in_words(bill.receipt, lang),
    )


def _shown(
    directory: Path, vault: VaultReader, arrived: ArrivedBills, bill: ArrivedBill, lang: Lang
) -> ShownBill:
    judgement = bill.judgement
    known, sheet = notes(bill, lang), None
    if judgement.bill is not None:
        try:
            others = [each.judgement for each in arrived.bills]
            papers = papers_of(directory, vault, judgement, others)
        except ConfigError as exc:
            known.append(sentence_in(lang, str(exc)))
        else:
            sheet = compose(judgement, papers, lang)
            if bill.receipt is not None and bill.receipt.receipt is not None:
                known += proof(judgement, judgement.bill, papers.consent, lang)
    return ShownBill(
        row=_row(bill, lang),
        verdict=VERDICTS[lang][judgement.verdict],
        faults=tuple(FINDINGS[lang][finding] for finding in judgement.findings),
        notes=tuple(known),
        sheet=sheet,
    )
