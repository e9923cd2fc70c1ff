"""The household's own load curve: how much of it the chip keeps, and its quarter-hours."""

from datetime import date, timedelta
from pathlib import Path

import msgspec

from edge.household.panel_questions import Matter, PanelQuestions
from edge.household.shown import SPAN_DAYS_MAX, OwnCurve, Quarters
from edge.household.today import quarters_of
from edge.language.choice import Lang
from edge.language.french.looking_up import sentence_in
from edge.language.numbers import day_text, number
from edge.language.typography import bilingual
from edge.vault.kept_curve import LENGTHS_MONTHS, UNREADABLE, KeptCurve, load_kept_curve
from edge.vault.reader import VaultReader
from edge.vault.rows import KeptQuarterHours
from protocol.calendar import days_between, quarter_hours
from protocol.errors import ConfigError, DocumentRefused

ONE_DAY = timedelta(days=1)
_WORDS = bilingual(
    fr={
        "kept": "Mois de quarts d'heure que ce boîtier garde : {months}, et une semaine.",
        "none": "Il n'a encore aucun quart d'heure.",
        "days": (
            "Il a des quarts d'heure du {first} au {last}. Connus : {known} ; par estimation parmi eux : "
            "{estimated} ; manquants depuis le premier : {missing}."
        ),
        "card": (
            "Si le boîtier n'a pas de phrase secrète au démarrage, qui vole sa carte ou la copie y voit "
            "quand vous étiez chez vous ces jours-là."
        ),
        "bills": (
            "Votre boîtier ne peut recompter une facture aux prix du marché que sur des jours gardés. "
            "Trois mois suffisent pour une facture de deux mois demandée un mois plus tard."
        ),
    },
    en={
        "kept": "Months of quarter-hours that this chip keeps: {months}, and a week.",
        "none": "It has no quarter-hour yet.",
        "days": (
            "It has quarter-hours from {first} to {last}. Known: {known}; by estimation among them: "
            "{estimated}; missing since the first: {missing}."
        ),
        "card": (
            "If the chip has no boot passphrase, whoever steals its card or copies it sees there when "
            "you were at home on these days."
        ),
        "bills": (
            "Your chip can recount a bill at market prices only on days that are kept. Three months "
            "are enough for a bill of two months that is requested a month later."
        ),
    },
)


def kept_now(directory: Path) -> tuple[KeptCurve, str]:
    """Return what the chip in `directory` goes by, and why its file cannot be read, or ""."""
    try:
        return load_kept_curve(directory), ""
    except ConfigError as exc:
        return UNREADABLE, str(exc)


def own_curve(vault: VaultReader, directory: Path, lang: Lang) -> OwnCurve:
    """Return what the vault has of the curve, and for how long it is kept."""
    words, found = _WORDS[lang], vault.values.kept_quarter_hours()
    kept, trouble = kept_now(directory)
    first, last = (None, None) if found is None else (found.first[0], found.last[0])
    missing = 0 if found is None else _missing(found)
    texts = (
        sentence_in(lang, trouble),
        words["kept"].format(months=kept.months),
        words["none"] if found is None else _days_text(found, missing, lang),
        words["card"],
        words["bills"],
    )
    return OwnCurve(
        months=kept.months,
        lengths=LENGTHS_MONTHS,
        first=first,
        last=last,
        known=0 if found is None else found.known,
        estimated=0 if found is None else found.estimated,
        missing=missing,
        texts=tuple(text for text in texts if text),
    )


def asked_in(own: OwnCurve, questions: PanelQuestions) -> OwnCurve:
    """Return what the chip keeps with whether the panel asks to keep less."""
    question = questions.standing_about(Matter.KEEP_FEWER)
    if question is None:
        return own
    return msgspec.structs.replace(own, asked_until=question.until, asked_months=question.months)


def quarters_between(vault: VaultReader, first: date, last: date) -> Quarters:
    """Return the quarter-hours of the days from `first` to `last`.

    Raises:
        DocumentRefused: one is not kept, or these are more days than one answer holds.
    """
    kept = vault.values.kept_quarter_hours()
    if kept is None or first < kept.first[0] or last > kept.last[0]:
        raise DocumentRefused(f"The chip does not keep all days from {first} to {last}.")
    if not 0 <= (last - first).days < SPAN_DAYS_MAX:
        raise DocumentRefused(f"Ask for 1 to {SPAN_DAYS_MAX} days at a time.")
    days = days_between(first, last + ONE_DAY)
    return Quarters(tuple(quarter for day in days for quarter in quarters_of(vault, day)))


def _missing(found: KeptQuarterHours) -> int:
    """Return how many between the first and the last one are not known."""
    (first, first_j), (last, last_j) = found.first, found.last
    before_last = sum(quarter_hours(day) for day in days_between(first, last))
    return before_last - first_j + last_j + 1 - found.known


def _days_text(found: KeptQuarterHours, missing: int, lang: Lang) -> str:
    return _WORDS[lang]["days"].format(
        first=day_text(found.first[0], lang),
        last=day_text(found.last[0], lang),
        known=number(found.known, lang),
        estimated=number(found.estimated, lang),
        missing=number(missing, lang),
    )
