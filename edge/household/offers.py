"""The quotes as they stand: what the listed offers would have cost this household.

Opening an answer takes seconds of a small machine's time, so the latest one is kept opened.
"""

import hashlib
from datetime import datetime
from pathlib import Path

from edge.contracts.agreement import Agreement, load_agreement
from edge.contracts.catalogue import Copy
from edge.household.shown import OfferList, OfferRow
from edge.identity.enrolment import Identity, load_identity
from edge.language.choice import Lang
from edge.quotes.asking import ORDER
from edge.quotes.comparing import Comparison, answered, compare
from edge.quotes.pricing import PriceBasis, Quotes
from edge.quotes.told import (
    notes_in_words,
    order_in_words,
    title_in_words,
    unquoted_in_words,
    why_none_in_words,
)
from edge.vault.reader import VaultReader

SHOWN, UNQUOTED_SHOWN = 400, 100

_Key = tuple[bytes, bytes | None, int | None]


class ComparedOffers:
    """Compares offers for the chip in one directory, each answer once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept: tuple[_Key, Comparison] | None = None

    def offers(self, vault: VaultReader, now: datetime, lang: Lang) -> OfferList:
        """Return the quotes at the instant `now`.

        Raises:
            ConfigError: the directory lacks the household's keys, or the contract is damaged.
        """
        identity, agreement = load_identity(self._directory), load_agreement(self._directory)
        comparison = self._compared(vault, identity, agreement)
        copy = Copy(vault, identity.collectivity, identity.platform_key)
        quotes = comparison.quotes
        unquoted = () if quotes is None else quotes.unquoted
        rows = () if quotes is None else _rows(quotes)
        shown = rows[:SHOWN], unquoted[:UNQUOTED_SHOWN]
        return OfferList(
            title="" if quotes is None else title_in_words(quotes, lang),
            why_none=why_none_in_words(comparison, lang),
            ordered=order_in_words(ORDER.read(self._directory), now, lang),
            rows=shown[0],
            notes=() if quotes is None else tuple(notes_in_words(quotes, lang)),
            unquoted=tuple(unquoted_in_words(offer, lang) for offer in shown[1]),
            more=len(rows) + len(unquoted) - sum(map(len, shown)),
            asked_at=comparison.asked_at,
            listed_on=copy.entries[-1].day if copy.entries else None,
            documents=len(copy.entries),
            missing=len(copy.missing()),
        )

    def _compared(
        self, vault: VaultReader, identity: Identity, agreement: Agreement | None
    ) -> Comparison:
        row = answered(vault)
        if row is None or row.answer is None:
            return compare(vault, identity, agreement, None)
        contract = None if agreement is None else agreement.contract_hash
        key = hashlib.sha256(row.id + row.answer).digest(), contract, vault.values.last_closed()
        if self._kept is None or self._kept[0] != key:
            comparison = compare(vault, identity, agreement, None)
            if comparison.quotes is None:  # perhaps a document lacks that comes soon
                return comparison
            self._kept = key, comparison
        return self._kept[1]


def _rows(quotes: Quotes) -> tuple[OfferRow, ...]:
    current = next((quote.total_ttc for quote in quotes.quotes if quote.is_current), None)
    return tuple(
        OfferRow(
            quote.provider,
            quote.product,
            quote.total_ttc,
            None if current is None or quote.is_current else quote.total_ttc - current,
            is_current=quote.is_current,
            is_estimate=quote.basis is PriceBasis.ESTIMATE,
        )
        for quote in quotes.quotes
    )
