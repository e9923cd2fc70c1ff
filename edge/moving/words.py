"""Household texts about moving, in French and English."""

from edge.language.typography import bilingual

MOVING_OUT = bilingual(
    fr=(
        "Ceci met fin au temps de ce foyer ici, pour de bon : dès sa prochaine bonne lecture, le "
        "boîtier clôt le dernier jour et ne lit plus le compteur pour ce foyer ; la collectivité "
        "met fin à ses contrats."
    ),
    en=(
        "This ends this household's time here, for good: with its next good reading the chip "
        "closes the last day and meters no more for this household; the collectivity ends its "
        "contracts."
    ),
)
MOVE_OUT = bilingual(fr="Déménager maintenant ?", en="Move out now?")
CANCELLED = bilingual(
    fr="L'ordre de déménager est retiré ; le boîtier continue comme avant.",
    en="The order to move out is taken back; the chip goes on as before.",
)
NOT_ORDERED = bilingual(
    fr="Aucun déménagement n'est demandé ; rien n'a changé.",
    en="No move-out is ordered; nothing was changed.",
)
TOO_LATE = bilingual(
    fr=(
        "Le dernier jour est déjà clos, le déménagement ne peut plus être retiré. Pour continuer "
        "ici : `volet edge export`, `volet edge erase`, `volet edge import`, puis une nouvelle "
        "demande avec un contrat (`volet edge request --offer`)."
    ),
    en=(
        "The last day is closed already, so the move cannot be taken back. To go on here: `volet "
        "edge export`, `volet edge erase`, `volet edge import`, then a new request with a contract "
        "(`volet edge request --offer`)."
    ),
)

MOVED_OUT = bilingual(
    fr=(
        "C'est fait : votre dernier jour ici est le {last_day}, à l'index relevé à cet instant. La "
        "collectivité a tout reçu. {bill}\n"
        "Ensuite : `volet edge export --dir {directory} --out FILE --sheet SHEET.html`, puis "
        "`volet edge erase`."
    ),
    en=(
        "It is done: your last day here is {last_day}, at the index of the moment. The "
        "collectivity has everything. {bill}\n"
        "Next: `volet edge export --dir {directory} --out FILE --sheet SHEET.html`, then "
        "`volet edge erase`."
    ),
)
# By whether a contract has held here on any day.
BILL = bilingual(
    fr={
        True: "Vos contrats prennent fin, votre fournisseur peut demander la dernière facture.",
        False: "Aucun contrat n'a valu ici ; il n'y aura pas de facture.",
    },
    en={
        True: "Your contracts end, your provider can ask for the last bill.",
        False: "No contract has held here; there will be no bill.",
    },
)
BEGINS_LATER = bilingual(
    fr="Votre contrat commence le {start} ; il prend fin avant et ne vaut aucun jour.",
    en="Your contract begins on {start}; it ends before that and holds on no day.",
)
REVOKED = bilingual(
    fr=(
        "La collectivité a révoqué ce boîtier et n'en reçoit plus rien : un déménagement ne "
        "pourrait pas s'achever. Continuez d'abord avec de nouvelles clés : `volet edge export "
        "--out FILE`, puis dans un nouveau répertoire `volet edge init --dir NEW` et `volet edge "
        "import --dir NEW FILE`. Un ordre déjà donné se retire par `volet edge move-out --cancel`."
    ),
    en=(
        "The collectivity has revoked this chip and takes nothing from it: a move-out could not be "
        "finished. Go on with new keys first: `volet edge export --out FILE`, then in a new "
        "directory `volet edge init --dir NEW` and `volet edge import --dir NEW FILE`. `volet edge "
        "move-out --cancel` takes back an order that stands."
    ),
)

# By whether the last day is closed.
WAITING = bilingual(
    fr={
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
    en={
        False: (
            "Not yet: the chip has had no good reading, or has not heard from the cloud. The order "
            "stands: the chip carries it out as soon as it can, unless you take it back "
            "(`volet edge move-out --cancel`)."
        ),
        True: ("The last day is closed; not everything has reached the cloud yet. Run this again."),
    },
)
NOT_RUNNING = bilingual(
    fr=" Le boîtier n'est pas en marche : démarrez-le.",
    en=" The chip does not run: start it.",
)

ERASING = bilingual(
    fr=(
        "Ceci détruit les clés et les relevés de ce foyer sur ce boîtier. Sans une exportation, "
        "ses anciennes factures ne pourront plus être ouvertes par personne."
    ),
    en=(
        "This destroys this household's keys and readings on this chip. Without an export nobody "
        "will be able to open its old bills."
    ),
)
NOT_MOVED = bilingual(
    fr="Ce foyer n'a pas déménagé (`volet edge move-out`).",
    en="This household has not moved out (`volet edge move-out`).",
)
ERASE = bilingual(fr="Effacer ?", en="Erase?")

ERASED = bilingual(
    fr=(
        "Les clés de l'ancien foyer sont détruites ({count} fichiers écrasés et supprimés) ; de "
        "nouvelles clés sont créées. Une carte SD garde parfois d'anciennes données : qui lirait la "
        "puce elle-même pourrait en retrouver, tant que la place n'a pas resservi.\n"
        "Ensuite, pour qui vient : `volet edge request --dir {directory}`."
    ),
    en=(
        "The former household's keys are destroyed ({count} files overwritten and removed); new "
        "keys are drawn. An SD card may keep old cells: whoever reads the chip itself might find "
        "them until they are used again.\n"
        "Next, for the new occupant: `volet edge request --dir {directory}`."
    ),
)
