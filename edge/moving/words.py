"""What the household is told when it moves, in French and English."""

# By whether the last day is closed.
WAITING = {
    False: "Not yet: the chip has had no good reading, or has not heard from the cloud.",
    True: "The last day is closed; not everything has reached the cloud yet. Run this again.",
}

MOVED_OUT = """\
C'est fait : votre dernier jour ici est le {last_day}, à l'index de l'instant. La collectivité a \
tout reçu, vos contrats prennent fin, votre fournisseur peut demander la dernière facture.
It is done: your last day here is {last_day}, at the index of the moment. The collectivity has \
everything, your contracts end, your provider can ask for the last bill.
Next: `volet edge export --dir {directory} --out FILE --sheet SHEET.html`, then `volet edge erase`."""

ERASING = """\
Ceci détruit les clés et les relevés de ce foyer sur ce boîtier. Sans une exportation, ses \
anciennes factures ne pourront plus être ouvertes par personne.
This destroys this household's keys and readings on this chip. Without an export nobody will be \
able to open its old bills."""

ERASED = """\
Les clés de l'ancien foyer sont détruites ({count} fichiers écrasés et supprimés) ; de nouvelles \
clés sont tirées. Une carte SD garde parfois d'anciennes cellules : qui lit la puce elle-même \
pourrait en retrouver, tant qu'elles n'ont pas resservi.
The former household's keys are destroyed ({count} files overwritten and removed); new keys are \
drawn. An SD card may keep old cells: whoever reads the chip itself might find them until they \
are used again.
Next, for the new occupant: `volet edge request --dir {directory}`."""
