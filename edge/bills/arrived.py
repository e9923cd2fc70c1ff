"""The bills that have arrived, each with what has become of it since."""

from pathlib import Path

import msgspec

from edge.bills.judgement import Judgement, Verdict
from edge.bills.meter_away import MeterAway, away_in, read_times_away
from edge.bills.receipt_words import receipt_in_words
from edge.bills.remarks import away_in_words, remarks
from edge.bills.replaced import is_repeated, replaced
from edge.bills.signed_off import Overview, SignedOff, overview, read_holds
from edge.bills.verifier import read_judgement
from edge.bills.words import WORDS
from edge.contracts.watch import unresolved
from edge.language.choice import Lang
from edge.metering.events import NoticeKind
from edge.vault.reader import VaultReader


class ArrivedBill(msgspec.Struct, frozen=True):
    """A bill that has been judged.

    Attributes:
        judgement: the bill and the chip's verdict on it.
        is_replaced: other bills cover its days correctly.
        receipt: the state of its receipt.
        away: periods in which another meter was taken for the home's.
    """

    judgement: Judgement
    is_replaced: bool = False
    receipt: SignedOff | None = None
    away: tuple[MeterAway, ...] = ()

    @property
    def asks_for_action(self) -> bool:
        """Whether it is wrong, and no other bill covers its days."""
        return self.judgement.verdict is not Verdict.CORRECT and not self.is_replaced


class ArrivedBills(msgspec.Struct, frozen=True):
    """All bills that have been judged, in the order of their arrival.

    `waiting` more are not judged yet. `differing`: how the line differs from the contract now.
    """

    bills: tuple[ArrivedBill, ...]
    waiting: int
    differing: dict[NoticeKind, str]
    receipts: Overview


def read_arrived(directory: Path, vault: VaultReader) -> ArrivedBills:
    """Read the bills of the chip in `directory` from its vault."""
    rows = vault.statements()
    judgements = [j for row in rows if (j := read_judgement(row)) is not None]
    receipts = overview(vault, read_holds(directory, vault))
    signed_off = {row.statement: row for row in receipts.statements}
    times = read_times_away(directory, vault)
    away = {judgement.statement: tuple(away_in(judgement, times)) for judgement in judgements}
    unbillable = {
        statement_id: {day for period in periods for day in period.days}
        for statement_id, periods in away.items()
    }
    billed = replaced(judgements, unbillable)
    return ArrivedBills(
        tuple(
            ArrivedBill(
                judgement,
                judgement.statement in billed,
                signed_off.get(judgement.statement),
                away[judgement.statement],
            )
            for judgement in judgements
        ),
        len(rows) - len(judgements),
        unresolved(vault.values.notices()),
        receipts,
    )


def notes(arrived: ArrivedBill, lang: Lang) -> list[str]:
    """Return what the household should know of a bill beside the findings."""
    judgement, words = arrived.judgement, WORDS[lang]
    found = remarks(judgement, lang, arrived.away)
    if arrived.is_replaced and is_repeated(judgement):
        found = [words["billed"], *found]
    elif arrived.is_replaced:
        since = words["other_days" if arrived.away else "replaced"]
        found = [*away_in_words(arrived.away, lang), since]
    if arrived.receipt is not None and judgement.verdict is Verdict.CORRECT:
        found = [*found, receipt_in_words(arrived.receipt, lang)]
    return found
