"""Says a comparison of offers in the household's language."""

from datetime import date, datetime

from edge.language.choice import Lang
from edge.language.numbers import day_text, time_text
from edge.quotes.asking import QuoteOrder
from edge.quotes.comparing import Comparison, QuestionState
from edge.quotes.pricing import PriceBasis, Quotes, Unquoted
from edge.quotes.words import (
    ESTIMATE_NOTE,
    FAULTS,
    MISSING,
    NO_LIST,
    NONE_YET,
    NOT_COMPARED,
    ORDERED,
    SHORT,
    TITLE,
    UNQUOTED,
    WAITING,
)

YEAR_DAYS = 365
DAYS_NAMED = 10


def order_in_words(order: QuoteOrder | None, now: datetime, lang: Lang) -> str:
    """Return when a question leaves that has not left yet; empty if there is none."""
    if order is None or order.leaves_at <= now:
        return ""
    asked, at = (time_text(moment, lang) for moment in (order.asked_at, order.leaves_at))
    return ORDERED[lang].format(asked=asked, at=at)


def why_none_in_words(comparison: Comparison, lang: Lang) -> str:
    """Return why there are no quotes; empty if there are some."""
    if comparison.fault is not None:
        return FAULTS[lang][comparison.fault]
    if comparison.quotes is not None:
        return ""
    if comparison.asked_at is None:
        return NONE_YET[lang]
    if comparison.state is QuestionState.LIST_INCOMPLETE:
        return NO_LIST[lang]
    return WAITING[lang].format(at=time_text(comparison.asked_at, lang))


def title_in_words(quotes: Quotes, lang: Lang) -> str:
    """Return what is compared over which days."""
    last = date.fromordinal(quotes.end.toordinal() - 1)
    return TITLE[lang].format(start=day_text(quotes.start, lang), last=day_text(last, lang))


def notes_in_words(quotes: Quotes, lang: Lang) -> list[str]:
    """Return what to know of all quotes together."""
    notes = []
    days = (quotes.end - quotes.start).days
    if days < YEAR_DAYS:
        notes.append(SHORT[lang].format(count=days))
    if quotes.missing:
        named = ", ".join(day_text(day, lang) for day in quotes.missing[:DAYS_NAMED])
        more = "…" if len(quotes.missing) > DAYS_NAMED else ""
        notes.append(MISSING[lang].format(count=len(quotes.missing), days=named + more))
    if any(quote.basis is PriceBasis.ESTIMATE for quote in quotes.quotes):
        notes.append(ESTIMATE_NOTE[lang])
    return notes


def unquoted_in_words(offer: Unquoted, lang: Lang) -> str:
    """Return why an offer has no quote."""
    return NOT_COMPARED[lang].format(
        provider=offer.provider, product=offer.product, why=UNQUOTED[lang][offer.why]
    )
