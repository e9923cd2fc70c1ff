"""Household texts about quotes, in French and English."""

from edge.language.typography import bilingual
from edge.quotes.opening import QuoteFault
from edge.quotes.pricing import NoQuote, PriceBasis

COLUMNS = bilingual(
    fr=("", "fournisseur", "offre", "total TTC", "écart", ""),
    en=("", "provider", "offer", "total", "difference", ""),
)
TITLE = bilingual(
    fr="Ce que chaque offre publiée aurait coûté du {start} au {last}, aux prix d'aujourd'hui",
    en="What each listed offer would have cost from {start} to {last}, at today's prices",
)
CURRENT = bilingual(fr="votre contrat", en="your contract")
BASIS = bilingual(
    fr={PriceBasis.METER: "", PriceBasis.ESTIMATE: "estimation"},
    en={PriceBasis.METER: "", PriceBasis.ESTIMATE: "estimate"},
)
ESTIMATE_NOTE = bilingual(
    fr="Estimation : votre compteur ne suit pas le calendrier de cette offre ; le calcul part de "
    "la courbe quart d'heure par quart d'heure.",
    en="Estimate: your meter does not run this offer's calendar; it is computed from the curve, "
    "quarter-hour by quarter-hour.",
)
MISSING = bilingual(
    fr="{count} jours manquent, pour toutes les offres : {days}.",
    en="{count} days lack, for every offer alike: {days}.",
)
SHORT = bilingual(
    fr="Comparaison sur {count} jours seulement : il n'y a rien avant.",
    en="Compared over {count} days only: there is nothing before.",
)
NOT_COMPARED = bilingual(
    fr="– {provider} · {product} : {why}",
    en="– {provider} · {product}: {why}",
)
UNQUOTED = bilingual(
    fr={
        NoQuote.NOT_IN_FORCE: "n'est plus en vigueur, ou pas encore",
        NoQuote.NO_SCHEDULE: "aucun calendrier ou prix publié ne couvre la période",
        NoQuote.TOO_MANY: "ce fournisseur a trop de prix différents pour une seule question",
        NoQuote.OTHER_POWER: "est pour une autre puissance souscrite",
        NoQuote.OTHER_CALENDAR: "votre compteur ne suit pas son calendrier, et rien ne permet "
        "d'estimer",
    },
    en={
        NoQuote.NOT_IN_FORCE: "is not in force any more, or not yet",
        NoQuote.NO_SCHEDULE: "no listed calendar or price covers the period",
        NoQuote.TOO_MANY: "this provider has too many different prices for one question",
        NoQuote.OTHER_POWER: "is for another subscribed power",
        NoQuote.OTHER_CALENDAR: "your meter does not run its calendar, and nothing says how to "
        "estimate",
    },
)
FAULTS = bilingual(
    fr={
        QuoteFault.SHAPE: "La réponse ne correspond pas à la liste publiée.",
        QuoteFault.BLOCK_UNKNOWN: "La réponse additionne des jours que ce boîtier n'a pas envoyés.",
        QuoteFault.DAY_TWICE: "La réponse compte un jour deux fois.",
        QuoteFault.DAY_MISSING: "Il manque à la réponse des jours qu'elle dit contenir.",
        QuoteFault.CANNOT_OPEN: "La réponse ne s'ouvre pas avec les clés de ce foyer.",
        QuoteFault.KEYS_GONE: "Ce boîtier n'a plus les clés de certains jours de la période ; la "
        "comparaison redevient possible un an après le dernier d'entre eux.",
        QuoteFault.DIFFERS: "La réponse ne concorde pas avec ce que ce boîtier a compté lui-même.",
        QuoteFault.EMPTY: "La collectivité n'a encore aucun jour entier de ce foyer sur la période.",
    },
    en={
        QuoteFault.SHAPE: "The answer does not fit the transparency log.",
        QuoteFault.BLOCK_UNKNOWN: "The answer sums days that this chip has not sent.",
        QuoteFault.DAY_TWICE: "The answer counts a day twice.",
        QuoteFault.DAY_MISSING: "The answer lacks days that it claims to hold.",
        QuoteFault.CANNOT_OPEN: "The answer does not open with this household's keys.",
        QuoteFault.KEYS_GONE: "The keys of some days of the period are gone from this chip; "
        "offers can be compared again a year after the last of them.",
        QuoteFault.DIFFERS: "The answer does not agree with what this chip counted itself.",
        QuoteFault.EMPTY: "The collectivity has no whole day of this household in the period yet.",
    },
)
ASKED = bilingual(
    fr="La question part d'elle-même, à un moment tiré au sort d'ici 2 à 12 heures : personne n'y "
    "verra que vous êtes chez vous. Elle ne dit rien de vous. La réponse sera là après le {at}.",
    en="The question goes out by itself at a moment drawn from the next 2 to 12 hours, so nobody "
    "sees from it that you are at home. It says nothing about you. The answer is here after {at}.",
)
ASKED_NOW = bilingual(
    fr="La question part tout de suite : votre collectivité voit à cette heure que quelqu'un est "
    "chez vous, et rien d'autre. Revenez voir dans une minute.",
    en="The question goes out at once: your collectivity sees by its time that somebody is at home, "
    "and nothing else. Look again in a minute.",
)
ORDERED = bilingual(
    fr="La question du {asked} part d'elle-même au plus tard le {at}.",
    en="The question of {asked} goes out by itself, at {at} at the latest.",
)
WAITING = bilingual(
    fr="La question du {at} attend sa réponse.",
    en="The question of {at} waits for its answer.",
)
NONE_YET = bilingual(
    fr="Rien n'a encore été demandé. Votre boîtier demande de lui-même une fois par mois ; pour "
    "demander plus tôt : « Demander de nouveaux devis » sous « Offres », ou `volet edge quotes --ask`.",
    en="Nothing has been asked yet. Your chip asks by itself once a month; to ask sooner: “Ask for "
    "new quotes” under Offers, or `volet edge quotes --ask`.",
)
NO_LIST = bilingual(
    fr="Les documents de la liste ne sont pas encore tous arrivés ; revenez plus tard.",
    en="Not all of the list's documents have arrived yet; look again later.",
)
