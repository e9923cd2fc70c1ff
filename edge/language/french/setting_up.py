"""What a chip says until it is enrolled."""

SETTING_UP = {
    "This chip is not enrolled yet. It meters nothing, and goes on by itself once it is enrolled: on "
    "its page (`volet edge page --pair`), or at a console, where the next step is: {next_step}": (
        "Ce boîtier n'est pas encore inscrit. Il ne mesure rien, et continuera de lui-même dès qu'il le "
        "sera : sur sa page (`volet edge page --pair`), ou à une console, où l'étape suivante est : "
        "{next_step}"
    ),
    "The running chip goes on with it now.": "Le boîtier en marche continue avec elle maintenant.",
    "This chip is {device} of {collectivity}; it begins to meter now.": (
        "Ce boîtier est {device} de {collectivity} ; il commence à mesurer maintenant."
    ),
    "This chip is enrolled already; another offer is taken with `volet edge request --offer OFFER.json "
    "--from DAY`, and an answer to it installed with `volet edge enrol ENROLMENT.json`.": (
        "Ce boîtier est déjà inscrit ; une autre offre se prend avec `volet edge request --offer "
        "OFFRE.json --from JOUR`, et la réponse s'installe avec `volet edge enrol INSCRIPTION.json`."
    ),
    "An offer is taken from a day on; name the first one.": (
        "Une offre se prend à partir d'un jour ; indiquez le premier."
    ),
    "A contract names its meter, and this chip has read none yet; see what is wrong with the line "
    "first, or make a request without an offer.": (
        "Un contrat nomme son compteur, et ce boîtier n'en a encore lu aucun ; voyez d'abord ce que la "
        "ligne a, ou faites une demande sans offre."
    ),
    "The offer": "L'offre",
    "This file": "Ce fichier",
}
