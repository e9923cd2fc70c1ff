"""Household texts about the area lane and its budget, in French and English."""

from decimal import Decimal

import msgspec

from edge.area.report import OwnGroup, Participation
from edge.area.trustees import TrusteesReport
from edge.language.choice import Lang
from edge.language.numbers import number
from edge.language.typography import bilingual
from edge.privacy.ledger import Budget, Sum, at_cap
from protocol.socio import AGE_BANDS, Profile

BAR = 30

LABEL = bilingual(fr="Quartier", en="Neighbourhood")
PARTICIPATION = bilingual(
    fr={
        Participation.ON: "vous participez",
        Participation.OFF: (
            "vous ne participez pas : vous l'avez désactivé (`volet edge area on` pour reprendre)"
        ),
        Participation.DISABLED: (
            "vous ne participez pas : edge.toml l'exclut (`enabled = false` sous [area])"
        ),
        Participation.NOT_CONFIRMED: (
            "vous ne participez pas encore : vous n'avez pas confirmé les garants (`volet edge "
            "trustees`)"
        ),
        Participation.MONTH_SPENT: (
            "vous ne participez plus ce mois-ci : son budget de vie privée est dépensé, et les factures "
            "continuent"
        ),
        Participation.YEAR_SPENT: (
            "vous ne participez plus cette année : son budget de vie privée est dépensé, et les factures "
            "continuent"
        ),
    },
    en={
        Participation.ON: "you take part",
        Participation.OFF: (
            "you take no part: you have turned it off (`volet edge area on` takes part again)"
        ),
        Participation.DISABLED: (
            "you take no part: edge.toml rules it out (`enabled = false` under [area])"
        ),
        Participation.NOT_CONFIRMED: (
            "you take no part yet: you have not confirmed the trustees (`volet edge trustees`)"
        ),
        Participation.MONTH_SPENT: (
            "you take no part until next month: this month's privacy budget is spent, and bills "
            "go on"
        ),
        Participation.YEAR_SPENT: (
            "you take no part until next year: this year's privacy budget is spent, and bills go on"
        ),
    },
)
# On the page, where a button does it.
_OFF_ON_PAGE = bilingual(
    fr=(
        "vous ne participez pas : vous l'avez désactivé (sous « Accords », le bouton « Participer » fait "
        "reprendre)"
    ),
    en=(
        'you take no part: you have turned it off (under Agreements, the button "Take part" takes '
        "part again)"
    ),
)

PROFILE_WORDS = bilingual(
    fr=("Ce boîtier ne dit rien de qui habite ici.", "Personnes", "Actifs occupés"),
    en=("This chip says nothing about who lives here.", "Persons", "People employed"),
)
_STANDINGS = bilingual(
    fr=(
        "confirmés",
        "signés par l'ensemble d'avant",
        "NON CONFIRMÉS : rien n'est transmis",
    ),
    en=("confirmed", "signed by the set before it", "NOT CONFIRMED: nothing is contributed"),
)
RISK = bilingual(fr="Risque", en="Risk")
_RISKS = bilingual(
    fr=(
        (
            "{threshold} d'entre eux et la collectivité peuvent ouvrir votre contribution "
            "d'un seul jour : pas vos relevés, mais avec peu de bruit."
        ),
        (
            "Si des garants mentent, ou donnent la clé avec laquelle ils signent, il n'en faut que "
            "{liars}. Les journaux des autres accusent alors la collectivité, et chacun de ces menteurs, "
            "dès qu'on les compare."
        ),
    ),
    en=(
        (
            "{threshold} of them and the collectivity can open your contribution of a "
            "single day: not your readings, but with little noise."
        ),
        (
            "If trustees lie, or give away the key with which they sign, it takes only {liars} of them. "
            "The logs of the others then convict the collectivity, and each of these liars, as soon as "
            "they are compared."
        ),
    ),
)
_FORK = bilingual(
    fr=(
        "Preuve d'un embranchement : le document {hash} suit le même document qu'un autre, et les "
        "garants ont signé les deux ; ce boîtier continue avec le premier."
    ),
    en=(
        "Proof of a fork: document {hash} follows the same one as another document, and the "
        "trustees signed both; this chip goes on with the first."
    ),
)
# As collectivities name their measures; another name stays as it is.
_MEASURES = bilingual(
    fr={"curve": "courbe", "classes": "classes", "profile": "profil"},
    en={"curve": "curve", "classes": "classes", "profile": "profile"},
)
_GROUP = bilingual(
    fr=(
        "{measure:<14}{code} : {households} foyers, bruit pour {crowd} d'entre eux, ouvert à partir "
        "de {threshold}"
    ),
    en=(
        "{measure:<14}{code}: {households} households, noise for {crowd} of them, opened from "
        "{threshold} on"
    ),
)

_TITLES = bilingual(
    fr=(("today", "Aujourd'hui"), ("month", "Ce mois"), ("year", "Cette année")),
    en=(("today", "Today"), ("month", "This month"), ("year", "This year")),
)
_ROW = bilingual(
    fr="{title:<14}{bar}  {spent:.0f} % du plafond dépensé : ε = {replaced} "
    "(participer ou non : {epsilon}) à δ = {delta:g}",
    en="{title:<14}{bar}  {spent:.0f}% of the cap spent: ε = {replaced} "
    "(taking part or not: {epsilon}) at δ = {delta:g}",
)
_EXPLAINED = bilingual(
    fr=(
        "Qui verrait tous les chiffres publiés de votre quartier pourrait distinguer vos jours de "
        "n'importe quels autres, chez vous ou absent, mais avec une cote multipliée au plus par 2,7 "
        "pour chaque unité d'ε, quoi qu'il sache par ailleurs. Que vous participez, la collectivité "
        "le voit.\n"
        "Le plafond de l'année est atteint à ε = {replaced} (participer ou non : {epsilon}) ; au-delà, "
        "ce boîtier ne contribue plus. Vos factures continuent."
    ),
    en=(
        "Whoever sees all published figures of your neighbourhood could tell your days from any "
        "others, at home or away, but at odds multiplied by 2.7 at most for each 1 of ε, whatever else "
        "they know. That you take part, the collectivity sees.\n"
        "The year's cap is reached at ε = {replaced} (taking part or not: {epsilon}); beyond it this "
        "chip contributes nothing. Your bills go on."
    ),
)
# For a terminal, where `--cap` is typed in it.
_CAP = bilingual(
    fr="Pour `--cap`, qui se compte en rho : le plafond est maintenant {cap}, dont {spent} sont dépensés.",
    en="For `--cap`, which counts in rho: the cap is {cap} now, of which {spent} are spent.",
)
_PROFILE = bilingual(
    fr=("Profil", "jours d'envoi cette année : {days}, sur {most} au plus"),
    en=("Profile", "days on which it was sent this year: {days}, of {most} at most"),
)
_NEXT_DAY = bilingual(
    fr=(
        "Un jour de plus, s'il coûte autant que le dernier, est ε = {replaced} (participer ou non : "
        "{epsilon}) ; les plafonds du mois et de l'année en permettent encore {days}."
    ),
    en=(
        "One more day, if it costs what the last one did, is ε = {replaced} (taking part or not: "
        "{epsilon}); the caps of the month and the year allow {days} more."
    ),
)
_NO_DAY = bilingual(
    fr="Aucun jour n'a encore rien coûté : le prix du suivant sera connu après le premier.",
    en="No day has cost anything yet; what one costs will be known after the first.",
)


def participation_on_page(found: Participation, lang: Lang) -> str:
    """Return whether the household takes part, for its page."""
    return _OFF_ON_PAGE[lang] if found is Participation.OFF else PARTICIPATION[lang][found]


def budget_in_words(account: Budget, lang: Lang) -> str:
    """Format the account for a terminal."""
    rows = [_row(total, title, account.delta, lang) for title, total in titled(account, lang)]
    title, text = profile_in_words(account, lang)
    rows += [f"{title:<14} {text}", next_day_in_words(account, lang)]
    cap, spent = (
        number(Decimal(f"{each:.4g}"), lang) for each in (account.year.cap_rho, account.year.rho)
    )
    known = _CAP[lang].format(cap=cap, spent=spent)
    return "\n".join([*rows, *explained_in_words(account, lang), known])


def titled(account: Budget, lang: Lang) -> list[tuple[str, Sum]]:
    """Return the totals of day, month and year with their names."""
    sums = {"today": account.today, "month": account.month, "year": account.year}
    return [(title, sums[name]) for name, title in _TITLES[lang]]


def profile_in_words(account: Budget, lang: Lang) -> tuple[str, str]:
    """Return on how many days the profile was sent: a label and a text."""
    label, text = _PROFILE[lang]
    return label, text.format(days=account.profile_days, most=account.profile_days_max)


def next_day_in_words(account: Budget, lang: Lang) -> str:
    """Return what one more day costs, and how many are left."""
    if account.next_day is None:
        return _NO_DAY[lang]
    epsilon, replaced = (
        number(Decimal(f"{each:.1f}"), lang)
        for each in (account.next_day.epsilon, account.next_day.epsilon_replaced)
    )
    days = number(account.days_left or 0, lang)
    return _NEXT_DAY[lang].format(epsilon=epsilon, replaced=replaced, days=days)


def explained_in_words(account: Budget, lang: Lang) -> list[str]:
    """Return what an epsilon bounds, and what happens at the cap."""
    cap = at_cap(account.year)
    epsilon, replaced = (
        number(Decimal(f"{each:.1f}"), lang) for each in (cap.epsilon, cap.epsilon_replaced)
    )
    return _EXPLAINED[lang].format(epsilon=epsilon, replaced=replaced).split("\n")


def _row(total: Sum, title: str, delta: float, lang: Lang) -> str:
    spent = 1 - total.left
    filled = round(BAR * spent)
    text = _ROW[lang].format(
        title=title,
        bar="█" * filled + "░" * (BAR - filled),
        spent=100 * spent,
        epsilon=f"{total.epsilon:.1f}",
        replaced=f"{total.epsilon_replaced:.1f}",
        delta=delta,
    )
    return text.replace(".", ",") if lang == "fr" else text


def participation_in_words(participation: Participation, lang: Lang) -> str:
    """Return one line on whether the home takes part, or why not."""
    return f"{LABEL[lang]:<18}{PARTICIPATION[lang][participation]}"


def standing_in_words(report: TrusteesReport, lang: Lang) -> str:
    """Return whether a set of trustees is confirmed."""
    confirmed, later, unconfirmed = _STANDINGS[lang]
    if report.is_later:
        return later
    return confirmed if report.is_confirmed else unconfirmed


def risks_in_words(report: TrusteesReport, lang: Lang) -> list[str]:
    """Return what trustees could do to the household together with the collectivity."""
    return [
        text.format(threshold=report.threshold, liars=report.liars_for_two_sets)
        for text in _RISKS[lang]
    ]


def fork_in_words(document: str, lang: Lang) -> str:
    """Return what a document proves that trustees signed beside another."""
    return _FORK[lang].format(hash=document)


def group_in_words(group: OwnGroup, lang: Lang) -> str:
    """Return how large one of the household's groups is."""
    values = msgspec.structs.asdict(group)
    values["measure"] = _MEASURES[lang].get(group.measure, group.measure)
    return _GROUP[lang].format(**values)


def profile_rows(profile: Profile | None, lang: Lang) -> list[tuple[str, str]]:
    """Return who lives here as labels and numbers; nothing if the household has not said it."""
    if profile is None:
        return []
    _, size, employed = PROFILE_WORDS[lang]
    counts = zip(AGE_BANDS, profile.ages, strict=True)
    return [
        (size, str(profile.size)),
        *((f"  {band}", str(count)) for band, count in counts),
        (employed, str(profile.employed)),
    ]
