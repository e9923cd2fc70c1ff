"""The words of the neighbourhood's curve beside the home's own, in French and English."""

from edge.language.typography import bilingual

NEIGHBOURHOOD_TEXTS = bilingual(
    fr={
        "beside": "Votre courbe à côté de celle de votre quartier",
        "beside_link": "Votre courbe à côté de celle de votre quartier, le {day}",
        "beside_curve": (
            "Votre puissance par quart d'heure le {day} (barres), et la moyenne par foyer de votre "
            "quartier (ligne, avec sa bande)"
        ),
        "beside_how": (
            "Barres : chez vous. Ligne : la moyenne par foyer de {households} foyers de votre quartier. "
            "Bande : la vraie moyenne y est 9 fois sur 10, car du bruit protège chacun d'eux."
        ),
        "beside_whose": (
            "La courbe du quartier est celle que publie la collectivité, telle quelle : elle n'est pas "
            "signée, et votre boîtier ne peut pas la vérifier. Votre courbe n'est pas partie pour cela : "
            "la comparaison se fait ici."
        ),
        "beside_sums": "Chez vous {own}, en moyenne {mean}",
        "beside_sum": "En moyenne {mean}",
        "beside_days": "Jours dont il y a une courbe :",
        "quarter_hour": "Quart d'heure",
        "own_home": "Chez vous",
        "mean_home": "Moyenne du quartier",
        "band": "Bande à 90 %",
    },
    en={
        "beside": "Your curve beside your neighbourhood's",
        "beside_link": "Your curve beside your neighbourhood's, on {day}",
        "beside_curve": (
            "Your power in each quarter-hour of {day} (bars), and your neighbourhood's mean per "
            "household (line, with its band)"
        ),
        "beside_how": (
            "Bars: your home. Line: the mean per household of {households} households of your "
            "neighbourhood. Band: the true mean is within it 9 times in 10, since noise protects each "
            "of them."
        ),
        "beside_whose": (
            "The neighbourhood's curve is as the collectivity publishes it: it is not signed, and your "
            "chip cannot check it. Your own curve did not leave for this: the two are compared here."
        ),
        "beside_sums": "Your home {own}, on average {mean}",
        "beside_sum": "On average {mean}",
        "beside_days": "Days of which there is a curve:",
        "quarter_hour": "Quarter-hour",
        "own_home": "Your home",
        "mean_home": "Neighbourhood's mean",
        "band": "90% band",
    },
)
