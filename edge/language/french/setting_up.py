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
    "This is no longer the contract that was shown, as when the line leads to another meter now; "
    "begin again, and compare the serial with the one that is printed on the meter.": (
        "Ce n'est plus le contrat qui a été montré, par exemple parce que la ligne mène maintenant à un "
        "autre compteur ; recommencez, et comparez le numéro de série avec celui qui est imprimé sur le "
        "compteur."
    ),
    "{count} requests wait for an answer already; install the collectivity's answer, or delete those in "
    "{path} that you have handed to nobody.": (
        "{count} demandes attendent déjà une réponse ; installez la réponse de la collectivité, ou "
        "supprimez dans {path} celles que vous n'avez remises à personne."
    ),
    "A contract names its meter, and this chip has read none yet; see what is wrong with the line "
    "first, or make a request without an offer.": (
        "Un contrat nomme son compteur, et ce boîtier n'en a encore lu aucun ; voyez d'abord ce que la "
        "ligne a, ou faites une demande sans offre."
    ),
    "The offer": "L'offre",
    "This file": "Ce fichier",
}
