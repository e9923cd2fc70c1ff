"""The words of another contract, in French and English."""

from edge.language.typography import bilingual

CONTRACT_TEXTS = bilingual(
    fr={
        "other_offer": "Prendre une autre offre",
        "other_offer_how": (
            "Donnez ici le fichier signé de l'offre. La page montre le contrat en clair et la commande "
            "exacte qui le signe ; rien n'est signé ni envoyé. Le boîtier garde l'offre pour cette "
            "commande."
        ),
        "other_offer_file": "Offre signée du fournisseur",
        "as_now": "comme jusqu'ici",
        "other_offer_see": "Voir ce contrat",
        "offer_missing": "Choisissez d'abord le fichier de l'offre.",
        "offer_seen_title": "Ce que dit ce contrat",
        "offer_seen_how": "Rien n'est signé, et rien n'est parti. Voici ce que le contrat dirait.",
        "sign_title": "Pour le signer, sur le boîtier",
        "sign_why": (
            "La signature se tape sur le boîtier : dès que des jours sont facturés sous un contrat, il ne "
            "se reprend plus, et un téléphone volé ne doit pas pouvoir en donner un. La commande porte vos "
            "choix et cette offre-ci, et montre le contrat encore une fois."
        ),
        "sign_then": (
            "Revenez ensuite aux accords : la demande s'y enregistre, à donner à votre collectivité."
        ),
        "request_waits": "Une demande attend sa réponse",
        "request_waits_how": (
            "Elle a été faite sur le boîtier. Enregistrez-la et donnez-la à la collectivité ; quand sa "
            "réponse est un fichier sur le boîtier, tapez-y :"
        ),
    },
    en={
        "other_offer": "Take another offer",
        "other_offer_how": (
            "Give the signed file of the offer here. The page shows the contract in plain words and the "
            "exact command that signs it; nothing is signed or sent. The chip keeps the offer for this "
            "command."
        ),
        "other_offer_file": "The provider's signed offer",
        "as_now": "as until now",
        "other_offer_see": "See this contract",
        "offer_missing": "Choose the file of the offer first.",
        "offer_seen_title": "What this contract says",
        "offer_seen_how": "Nothing is signed, and nothing has left. This is what the contract would say.",
        "sign_title": "To sign it, at the chip",
        "sign_why": (
            "Signing is typed at the chip: once days are billed under a contract it cannot be taken back, "
            "and a stolen phone must not be able to give one. The command holds your choices and this very "
            "offer, and shows the contract once more."
        ),
        "sign_then": (
            "Then come back to the agreements: the request is saved from there, to be handed to your "
            "collectivity."
        ),
        "request_waits": "A request waits for its answer",
        "request_waits_how": (
            "It was made at the chip. Save it and hand it to the collectivity; once its answer is a file "
            "on the chip, type there:"
        ),
    },
)
