"""The curve of the household's neighbourhood for a day, or why there is none."""

from datetime import date

from edge.area.neighbourhood import Following, Neighbourhood
from edge.household.shown import Beside, MeanCurve
from edge.language.choice import Lang
from edge.language.numbers import number
from edge.language.typography import bilingual

_WHY_NONE = bilingual(
    fr={
        Following.DISABLED: (
            "edge.toml exclut les chiffres du quartier (`enabled = false` sous [area]), donc ce "
            "boîtier ne demande pas quel quartier est le vôtre."
        ),
        Following.NOT_CONFIRMED: (
            "Ce boîtier ne saura quel quartier est le vôtre que lorsque vous aurez confirmé les "
            "garants (`volet edge trustees`). Pour voir cette courbe, il n'est pas nécessaire de "
            "participer."
        ),
        Following.NO_AREA: (
            "La collectivité n'a encore rangé votre logement dans aucun quartier, ou ne publie pas de "
            "chiffres en ce moment."
        ),
        Following.NO_GROUP: (
            "Votre quartier n'a pas de courbe : il a trop peu de foyers pour qu'elle cache chacun d'eux."
        ),
    },
    en={
        Following.DISABLED: (
            "edge.toml rules out the figures of the neighbourhood (`enabled = false` under [area]), so "
            "this chip does not ask which neighbourhood is yours."
        ),
        Following.NOT_CONFIRMED: (
            "This chip knows which neighbourhood is yours once you have confirmed the trustees "
            "(`volet edge trustees`). You need not take part to see its curve."
        ),
        Following.NO_AREA: (
            "The collectivity has not put your home into a neighbourhood yet, or publishes no figures "
            "now."
        ),
        Following.NO_GROUP: (
            "Your neighbourhood has no curve: it has too few households for one that hides each of them."
        ),
    },
)
_NONE_YET = bilingual(
    fr=(
        "Aucune courbe de votre quartier n'est encore arrivée. La collectivité en publie une quelques "
        "jours après un jour compté, si au moins {least} foyers y ont participé ; jours comptés par "
        "semaine : {days}."
    ),
    en=(
        "No curve of your neighbourhood has arrived yet. The collectivity releases one some days after "
        "a day that counts, if at least {least} households took part in it; days that count in a week: "
        "{days}."
    ),
)
_NOT_THIS_DAY = bilingual(
    fr=(
        "Il n'y a pas de courbe de ce jour : jours comptés par semaine : {days}, et la courbe vient "
        "quelques jours plus tard, si au moins {least} foyers ont participé."
    ),
    en=(
        "There is no curve of this day: days that count in a week: {days}, and the curve comes some "
        "days later, if at least {least} households took part."
    ),
)


def beside(known: Neighbourhood, day: date, since: date, lang: Lang) -> Beside:
    """Return the curve of `day`, and of which days from `since` on there are others."""
    found = next((each for each in known.days if each.day == day), None)
    curve = None
    if found is not None:
        curve = MeanCurve(found.households, found.mean_wh, found.band_wh)
    days = tuple(each.day for each in reversed(known.days) if each.day >= since)
    return Beside(curve, "" if curve is not None else _why_none(known, lang), days)


def last_beside(known: Neighbourhood, since: date) -> date | None:
    """Return the last day from `since` on of which there is a curve."""
    days = [each.day for each in known.days if each.day >= since]
    return max(days, default=None)


def _why_none(known: Neighbourhood, lang: Lang) -> str:
    if known.following is not Following.ON or known.group is None:
        return _WHY_NONE[lang][known.following]
    text = _NOT_THIS_DAY if known.days else _NONE_YET
    least = number(known.group.threshold, lang)
    return text[lang].format(days=known.days_a_week, least=least)
