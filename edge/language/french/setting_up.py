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
    "The line masks its meter's serial, so that no contract can name it; connect the chip to the "
    "meter itself.": (
        "La ligne masque le numéro de son compteur, qu'aucun contrat ne peut donc nommer ; reliez le "
        "boîtier au compteur lui-même."
    ),
    "This chip is {device} of {collectivity}; it meters as soon as it reads its meter, which it does not "
    "now.": (
        "Ce boîtier est {device} de {collectivity} ; il mesurera dès qu'il lira son compteur, ce qu'il ne "
        "fait pas maintenant."
    ),
    "A contract begins within {days} days from today, and {start} is later; name an earlier first day.": (
        "Un contrat commence dans les {days} jours à partir d'aujourd'hui, et le {start} est plus tard ; "
        "indiquez un premier jour plus proche."
    ),
    "This answer is to an earlier request, of another contract than the present one; hand {path} to the "
    "collectivity and install its answer, or make the request once more with the offer, the first day and "
    "the choices of the earlier one.": (
        "Cette réponse est à une demande d'avant, d'un autre contrat que la demande présente ; donnez "
        "{path} à la collectivité et installez sa réponse, ou refaites la demande avec l'offre, le premier "
        "jour et les choix de celle d'avant."
    ),
    "This answer is for another chip: its certificate is not for this chip's TLS key. Install the answer "
    "to this chip's own request.": (
        "Cette réponse est pour un autre boîtier : son certificat n'est pas pour la clé TLS de celui-ci. "
        "Installez la réponse à la demande de ce boîtier."
    ),
    "This file is empty; choose the collectivity's answer.": (
        "Ce fichier est vide ; choisissez la réponse de la collectivité."
    ),
    "This is a picture, a PDF or a web page, not the collectivity's answer; choose the file that the "
    "collectivity gave back for the request.": (
        "Ceci est une image, un PDF ou une page web, pas la réponse de la collectivité ; choisissez le "
        "fichier que la collectivité a rendu pour la demande."
    ),
    "This is not the collectivity's answer, or it was cut off on its way; save the file again as the "
    "collectivity sent it.": (
        "Ceci n'est pas la réponse de la collectivité, ou elle a été coupée en chemin ; enregistrez de "
        "nouveau le fichier comme la collectivité l'a envoyé."
    ),
    "This is your request, not the answer to it; hand the request to the collectivity, and choose here "
    "the file that it gives back.": (
        "Ceci est votre demande, pas la réponse ; donnez la demande à la collectivité, et choisissez ici "
        "le fichier qu'elle rend."
    ),
    "This is a provider's offer, not the collectivity's answer; an offer belongs to the request.": (
        "Ceci est l'offre d'un fournisseur, pas la réponse de la collectivité ; une offre va dans la "
        "demande."
    ),
    "This is a tariff, not the collectivity's answer; choose the file that it gave back for the "
    "request.": (
        "Ceci est un tarif, pas la réponse de la collectivité ; choisissez le fichier qu'elle a rendu "
        "pour la demande."
    ),
    "This is not the collectivity's answer, but another document; choose the file that the collectivity "
    "gave back for the request.": (
        "Ceci n'est pas la réponse de la collectivité, mais un autre document ; choisissez le fichier que "
        "la collectivité a rendu pour la demande."
    ),
    "This file is empty; choose the provider's offer, or none.": (
        "Ce fichier est vide ; choisissez l'offre du fournisseur, ou aucune."
    ),
    "This is a picture, a PDF or a web page, not the provider's offer; ask the provider for its signed "
    "offer, which is a file in JSON.": (
        "Ceci est une image, un PDF ou une page web, pas l'offre du fournisseur ; demandez au fournisseur "
        "son offre signée, qui est un fichier en JSON."
    ),
    "This is not the provider's offer, or it was cut off on its way; save the file again as the provider "
    "sent it.": (
        "Ceci n'est pas l'offre du fournisseur, ou elle a été coupée en chemin ; enregistrez de nouveau "
        "le fichier comme le fournisseur l'a envoyé."
    ),
    "This is a chip's request, not the provider's offer; the request goes to the collectivity.": (
        "Ceci est la demande d'un boîtier, pas l'offre du fournisseur ; la demande va à la collectivité."
    ),
    "This is a collectivity's answer, not the provider's offer; it is installed where the answer is asked "
    "for, in step 4.": (
        "Ceci est la réponse d'une collectivité, pas l'offre du fournisseur ; elle s'installe là où la "
        "réponse est demandée, à l'étape 4."
    ),
    "This is a tariff, which nobody has signed; ask the provider for its signed offer, which a tariff "
    "alone is not.": (
        "Ceci est un tarif, que personne n'a signé ; demandez au fournisseur son offre signée, ce qu'un "
        "tarif seul n'est pas."
    ),
    "This is not the provider's offer, but another document; ask the provider for its signed offer.": (
        "Ceci n'est pas l'offre du fournisseur, mais un autre document ; demandez au fournisseur son offre "
        "signée."
    ),
    "The offer": "L'offre",
    "This file": "Ce fichier",
}
