"""The words of moving out, in French and English."""

from edge.language.typography import bilingual

MOVING_TEXTS = bilingual(
    fr={
        "moving": "Déménager",
        "moving_title": "Déménager",
        "moving_steps": "À faire, dans l'ordre",
        "moving_how": (
            "Cette page ne change rien : elle montre où vous en êtes, et ce qui se tape sur le boîtier. "
            "Vous pouvez vous arrêter après chaque étape."
        ),
        "task_done": "fait",
        "task_next": "à faire maintenant",
        "moving_who_title": "Qui voit quoi",
        "moving_city": "La collectivité",
        "moving_city_sees": "que votre foyer n'est plus à ce compteur depuis ce jour. Pas où vous allez.",
        "moving_provider": "Votre fournisseur",
        "moving_provider_sees": (
            "que le contrat prend fin ce jour ; il peut demander la dernière facture, jusqu'à ce jour et "
            "pas au-delà."
        ),
        "moving_next": "Qui vient après vous",
        "moving_next_sees": "rien : vos clés ne sont plus sur ce boîtier une fois qu'il est effacé.",
        "moving_you": "Vous",
        "moving_you_sees": (
            "tout, comme avant : l'exportation ouvre aussi la dernière facture, quand elle arrive."
        ),
        "moving_kept": "Ce qui est gardé",
        "moving_kept_bundle": (
            "Dans l'exportation : vos clés, vos contrats, vos choix, vos relevés et factures, et ce qui "
            "reste du budget. Chiffré sous la phrase secrète de la fiche."
        ),
        "moving_kept_chip": (
            "Sur ce boîtier : tout, jusqu'à ce que vous l'effaciez. Une carte SD garde parfois d'anciennes "
            "données même effacées."
        ),
        "moving_kept_city": (
            "À la collectivité : les blocs chiffrés des factures, qu'elle ne peut pas ouvrir, et ce qui "
            "est déjà dans les sommes du quartier."
        ),
    },
    en={
        "moving": "Moving",
        "moving_title": "Moving out",
        "moving_steps": "What to do, in this order",
        "moving_how": (
            "This page changes nothing: it shows how far you are, and what is typed at the chip. You can "
            "stop after each step."
        ),
        "task_done": "done",
        "task_next": "to do now",
        "moving_who_title": "Who sees what",
        "moving_city": "The city",
        "moving_city_sees": "that your household is not at this meter from that day on. Not where you go.",
        "moving_provider": "Your provider",
        "moving_provider_sees": (
            "that the contract ends on that day; it can ask for the last bill, up to that day and no "
            "further."
        ),
        "moving_next": "Who comes after you",
        "moving_next_sees": "nothing: once the chip is erased, your keys are not on it any more.",
        "moving_you": "You",
        "moving_you_sees": "everything, as before: the export opens the last bill too, when it comes.",
        "moving_kept": "What is kept",
        "moving_kept_bundle": (
            "In the export: your keys, contracts, choices, readings and bills, and what is left of the "
            "budget. Encrypted under the passphrase of the sheet."
        ),
        "moving_kept_chip": (
            "On this chip: everything, until you erase it. An SD card may keep old data even then."
        ),
        "moving_kept_city": (
            "At the city: the encrypted blocks of the bills, which it cannot open, and what is in the "
            "neighbourhood's sums already."
        ),
    },
)
