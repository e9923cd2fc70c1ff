"""What the household is told when it moves, in French and English."""

from edge.language import Lang

MOVING_OUT = {
    Lang.FR: (
        "Ceci met fin au temps de ce foyer ici, pour de bon : dès sa prochaine bonne lecture, le "
        "boîtier clôt le dernier jour et ne lit plus le compteur pour ce foyer ; la collectivité "
        "met fin à ses contrats."
    ),
    Lang.EN: (
        "This ends this household's time here, for good: with its next good reading the chip "
        "closes the last day and meters no more for this household; the collectivity ends its "
        "contracts."
    ),
}
MOVE_OUT = {Lang.FR: "Déménager maintenant ?", Lang.EN: "Move out now?"}
CANCELLED = {
    Lang.FR: "L'ordre de déménager est retiré ; le boîtier continue comme avant.",
    Lang.EN: "The order to move out is taken back; the chip goes on as before.",
}
NOT_ORDERED = {
    Lang.FR: "Aucun déménagement n'est demandé ; rien n'a changé.",
    Lang.EN: "No move-out is ordered; nothing was changed.",
}
TOO_LATE = {
    Lang.FR: (
        "Le dernier jour est déjà clos, le déménagement ne peut plus être retiré. Pour continuer "
        "ici : `volet edge export`, `volet edge erase`, `volet edge import`, puis une nouvelle "
        "demande avec un contrat (`volet edge request --offer`)."
    ),
    Lang.EN: (
        "The last day is closed already, so the move cannot be taken back. To go on here: `volet "
        "edge export`, `volet edge erase`, `volet edge import`, then a new request with a contract "
        "(`volet edge request --offer`)."
    ),
}

MOVED_OUT = {
    Lang.FR: (
        "C'est fait : votre dernier jour ici est le {last_day}, à l'index relevé à cet instant. La "
        "collectivité a tout reçu, vos contrats prennent fin, votre fournisseur peut demander la "
        "dernière facture.\n"
        "Ensuite : `volet edge export --dir {directory} --out FILE --sheet SHEET.html`, puis "
        "`volet edge erase`."
    ),
    Lang.EN: (
        "It is done: your last day here is {last_day}, at the index of the moment. The "
        "collectivity has everything, your contracts end, your provider can ask for the last "
        "bill.\n"
        "Next: `volet edge export --dir {directory} --out FILE --sheet SHEET.html`, then "
        "`volet edge erase`."
    ),
}

# By whether the last day is closed.
WAITING = {
    Lang.FR: {
        False: (
            "Pas encore : le boîtier n'a pas de bonne lecture, ou la collectivité se tait. L'ordre "
            "tient : le boîtier l'exécutera dès qu'il le pourra, sauf si vous le retirez "
            "(`volet edge move-out --cancel`)."
        ),
        True: (
            "Le dernier jour est clos ; tout n'est pas encore arrivé à la collectivité. Relancez "
            "cette commande."
        ),
    },
    Lang.EN: {
        False: (
            "Not yet: the chip has had no good reading, or has not heard from the cloud. The order "
            "stands: the chip carries it out as soon as it can, unless you take it back "
            "(`volet edge move-out --cancel`)."
        ),
        True: ("The last day is closed; not everything has reached the cloud yet. Run this again."),
    },
}
NOT_RUNNING = {
    Lang.FR: " Le boîtier n'est pas en marche : démarrez-le.",
    Lang.EN: " The chip does not run: start it.",
}

ERASING = {
    Lang.FR: (
        "Ceci détruit les clés et les relevés de ce foyer sur ce boîtier. Sans une exportation, "
        "ses anciennes factures ne pourront plus être ouvertes par personne."
    ),
    Lang.EN: (
        "This destroys this household's keys and readings on this chip. Without an export nobody "
        "will be able to open its old bills."
    ),
}
NOT_MOVED = {
    Lang.FR: "Ce foyer n'a pas déménagé (`volet edge move-out`).",
    Lang.EN: "This household has not moved out (`volet edge move-out`).",
}
ERASE = {Lang.FR: "Effacer ?", Lang.EN: "Erase?"}

ERASED = {
    Lang.FR: (
        "Les clés de l'ancien foyer sont détruites ({count} fichiers écrasés et supprimés) ; de "
        "nouvelles clés sont créées. Une carte SD garde parfois d'anciennes données : qui lirait la "
        "puce elle-même pourrait en retrouver, tant que la place n'a pas resservi.\n"
        "Ensuite, pour qui vient : `volet edge request --dir {directory}`."
    ),
    Lang.EN: (
        "The former household's keys are destroyed ({count} files overwritten and removed); new "
        "keys are drawn. An SD card may keep old cells: whoever reads the chip itself might find "
        "them until they are used again.\n"
        "Next, for the new occupant: `volet edge request --dir {directory}`."
    ),
}
