"""The words of moving out and of erasing the household, in French and English."""

from edge.language.typography import bilingual

MOVING_TEXTS = bilingual(
    fr={
        "moving": "Déménager",
        "moving_title": "Déménager",
        "moving_steps": "À faire, dans l'ordre",
        "moving_how": (
            "Cette page montre où vous en êtes, et ce qui se tape sur le boîtier ; elle ne change rien "
            "elle-même. Vous pouvez vous arrêter après chaque étape."
        ),
        "task_done": "fait",
        "task_first": "la première étape, si vous partez",
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
            "reste du budget de vie privée. Chiffré sous la phrase secrète de la fiche."
        ),
        "moving_kept_chip": (
            "Sur ce boîtier : tout, jusqu'à ce que vous l'effaciez. Une carte SD garde parfois d'anciennes "
            "données même effacées."
        ),
        "moving_kept_city": (
            "À la collectivité : les blocs chiffrés des factures, qu'elle ne peut pas ouvrir, et ce qui "
            "est déjà dans les sommes du quartier."
        ),
        "moving_panel": "Effacer par le bouton",
        "moving_panel_how": (
            "Sans console : demandez-le ici, puis tenez le bouton du boîtier vingt secondes."
        ),
        "moving_asked": (
            "Le boîtier attend jusqu'au {until} : tenez son bouton vingt secondes. Il redémarre alors, "
            "cette page ne répond plus et ses visiteurs devront être admis de nouveau. Si vous ne voulez "
            "plus effacer, ne touchez à rien."
        ),
        "erase_title": "Effacer ce foyer ?",
        "erase_means": (
            "Les clés et les relevés de ce foyer seront détruits sur ce boîtier, sans retour ; sans le "
            "fichier de `volet edge export`, personne n'ouvrira plus ses factures. Rien ne part de chez "
            "vous. Après ce oui, il faut encore tenir le bouton du boîtier vingt secondes."
        ),
        "erase_yes": "Oui, demander au boîtier",
        "erase_done": "C'est demandé : le boîtier attend son bouton",
        "erase_do": "Effacer ce foyer",
    },
    en={
        "moving": "Moving",
        "moving_title": "Moving out",
        "moving_steps": "What to do, in this order",
        "moving_how": (
            "This page shows how far you are, and what is typed at the chip; it changes nothing itself. "
            "You can stop after each step."
        ),
        "task_done": "done",
        "task_first": "the first step, if you leave",
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
            "privacy budget. Encrypted under the passphrase of the sheet."
        ),
        "moving_kept_chip": (
            "On this chip: everything, until you erase it. An SD card may keep old data even then."
        ),
        "moving_kept_city": (
            "At the city: the encrypted blocks of the bills, which it cannot open, and what is in the "
            "neighbourhood's sums already."
        ),
        "moving_panel": "Erase it by the button",
        "moving_panel_how": (
            "Without a console: ask for it here, then hold the chip's button for twenty seconds."
        ),
        "moving_asked": (
            "The chip waits until {until}: hold its button for twenty seconds. It then starts anew, this "
            "page no longer answers, and its visitors have to be let in again. If you no longer want to "
            "erase, touch nothing."
        ),
        "erase_title": "Erase this household?",
        "erase_means": (
            "The keys and readings of this household will be destroyed on this chip, for good; without the "
            "file of `volet edge export` nobody will be able to open its bills. Nothing leaves your home. "
            "After this yes, somebody still has to hold the chip's button for twenty seconds."
        ),
        "erase_yes": "Yes, ask at the chip",
        "erase_done": "Asked: the chip waits for its button",
        "erase_do": "Erase this household",
    },
)
