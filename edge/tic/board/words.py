"""Household texts about setting a board up, in French and English."""

from edge.language.typography import bilingual
from edge.tic.board.line import Why

BOARD = bilingual(fr="Carte : {model}", en="Board: {model}")
LINE = bilingual(fr="Ligne du compteur : {source}", en="The meter's line: {source}")
WHY = bilingual(
    fr={
        Why.UART: "le bon UART doit être sur le connecteur, et non au Bluetooth",
        Why.CONSOLE: "une console occupe la ligne",
        Why.LOGIN: "une invite de connexion occupe la ligne à chaque démarrage",
        Why.SOURCE: "le boîtier doit lire cette ligne",
    },
    en={
        Why.UART: "the good UART has to be on the header, and not with Bluetooth",
        Why.CONSOLE: "a console has the line",
        Why.LOGIN: "a login has the line at each start",
        Why.SOURCE: "the chip has to read this line",
    },
)
NEEDED = bilingual(fr="À changer : {path} ({why})", en="To change: {path} ({why})")
RIGHT = bilingual(fr="Tout est déjà en place.", en="All is right already.")
APPLY = bilingual(fr="Faire ces changements ?", en="Make these changes?")
PENDING = bilingual(
    fr="Rien n'a été changé ; `sudo volet edge setup --apply` le fait.",
    en="Nothing was changed; `sudo volet edge setup --apply` does it.",
)
CHANGED = bilingual(
    fr="Changé. Ce qui existait avant est à côté, sous le suffixe « {suffix} ».",
    en="Changed. What was there before is beside each file, with {suffix} after its name.",
)
NEXT_START = bilingual(
    fr="La carte en tient compte à son prochain démarrage : `sudo reboot`.",
    en="The board takes it at its next start: `sudo reboot`.",
)
UNTRIED = bilingual(
    fr=(
        "Ces réglages viennent de la documentation des cartes ; nous n'en avons encore essayé aucune "
        "sur un compteur."
    ),
    en=("These settings come from the boards' documentation; we have tried none with a meter yet."),
)
