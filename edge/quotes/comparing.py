"""Compares offers: opens and prices the latest answer in the vault."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum

import msgspec

from edge.contracts.agreement import Agreement
from edge.contracts.catalogue import Copy
from edge.identity.enrolment import Identity
from edge.quotes.opening import OpenedSums, QuoteFault, QuotesRefused
from edge.quotes.pricing import HouseholdData, Quotes, Unquoted, left_out, price_quotes
from edge.vault.catalogue import QuoteRow
from edge.vault.reader import VaultReader
from edge.vault.sums import SumOpener
from protocol.calendar import quarter_hours
from protocol.catalogue import Catalogue
from protocol.contract import Offer
from protocol.errors import DocumentRefused
from protocol.packed import read_packed
from protocol.quotes import LeftOut, QuoteAnswer, QuotePlan, tariff_on


class QuestionState(StrEnum):
    """The state of the latest question."""

    NOT_ASKED = "not_asked"
    WAITING = "waiting"
    LIST_INCOMPLETE = "list_incomplete"
    REFUSED = "refused"
    READY = "ready"


class Comparison(msgspec.Struct, frozen=True):
    """The latest answer as quotes, or why there are none."""

    state: QuestionState
    asked_at: datetime | None = None
    fault: QuoteFault | None = None
    quotes: Quotes | None = None


def compare(
    vault: VaultReader, identity: Identity, agreement: Agreement | None, kva: int | None
) -> Comparison:
    """Open and price the latest answer in the vault.

    While the latest question has no answer, the previous answer is used. `kva` None: the subscribed
    power of the household's own contract, if that names one.
    """
    questions = vault.catalogue.quotes()
    if not questions:
        return Comparison(QuestionState.NOT_ASKED)
    row = answered(vault)
    if row is None or row.answer is None:
        return Comparison(QuestionState.WAITING, questions[0].asked_at)
    copy = Copy(vault, identity.collectivity, identity.platform_key)
    catalogue = copy.at(row.head)
    if catalogue is None:
        return Comparison(QuestionState.LIST_INCOMPLETE, row.asked_at)
    answer = read_packed(row.answer, QuoteAnswer)
    try:
        quotes = _quotes(vault, identity, agreement, kva, catalogue, row, answer)
    except DocumentRefused:  # an offer of that time is withdrawn, and its bytes are gone
        return Comparison(QuestionState.LIST_INCOMPLETE, row.asked_at)
    except QuotesRefused as exc:
        return Comparison(QuestionState.REFUSED, row.asked_at, exc.fault)
    return Comparison(QuestionState.READY, row.asked_at, None, quotes)


def answered(vault: VaultReader) -> QuoteRow | None:
    """Return the latest question that has an answer."""
    questions = vault.catalogue.quotes()
    return next((question for question in questions if question.answer is not None), None)


def _quotes(
    vault: VaultReader,
    identity: Identity,
    agreement: Agreement | None,
    kva: int | None,
    catalogue: Catalogue,
    row: QuoteRow,
    answer: QuoteAnswer,
) -> Quotes:
    plan = QuotePlan(catalogue, row.start, row.end)
    sums = OpenedSums(
        plan,
        answer,
        vault.blocks_between(row.start, row.end),
        SumOpener(vault.epoch, identity.keyring),
    )
    days = [day.closed for day in vault.day_rows(row.start, row.end)]
    if kva is None and agreement is not None:
        tariff = tariff_on(agreement.offer, row.end)
        kva = None if tariff is None else tariff.kva
    curves = _curves(vault, row.start, row.end)
    home = HouseholdData(days, _own_offers(catalogue, agreement), kva, curves)
    quotes = price_quotes(plan, sums, home)
    unquoted = (*quotes.unquoted, *_left_out(catalogue, plan.left_out))
    return msgspec.structs.replace(quotes, unquoted=unquoted)


def _curves(vault: VaultReader, start: date, end: date) -> dict[date, list[int]]:
    """Return the chip's own curve of each day that has every quarter-hour, in Wh."""
    curves: dict[date, list[int]] = {}
    for interval in vault.values.intervals(start, end):
        curves.setdefault(interval.day, []).append(interval.energy_wh)
    return {day: curve for day, curve in curves.items() if len(curve) == quarter_hours(day)}


def _own_offers(catalogue: Catalogue, agreement: Agreement | None) -> frozenset[str]:
    """Return the hashes (hex) of the household's own offer and of those that extend it."""
    if agreement is None:
        return frozenset()
    own = agreement.contract.offer
    return frozenset(name.hex() for name in (own, *catalogue.extensions_of(own)))


def _left_out(catalogue: Catalogue, offers: Iterable[tuple[bytes, LeftOut]]) -> Iterable[Unquoted]:
    for name, why in offers:
        offer = catalogue.document(name)
        if isinstance(offer, Offer):
            yield Unquoted(name.hex(), offer.provider, offer.product, left_out(why))
