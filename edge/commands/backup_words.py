"""Messages about a chip's backups, in French and English."""

from edge.language.choice import language
from edge.language.typography import bilingual
from system.backup.words import ENGLISH, Words
from system.passphrase import Prompts

_WORDS = bilingual(
    fr=Words(
        wrote="{file} est écrit : {owner}, {count} fichiers, {size_bytes} octets ; relu, rien ne manque.",
        by_key="Seule la clé privée l'ouvre ; essayez-le là où elle est, avec `restore --check --key`.",
        unknown=(
            "N'y sont pas, car Volet ne les connaît pas : {names}. Copiez-les vous-même s'ils comptent."
        ),
        confirm=(
            "C'est une sauvegarde de {owner}, faite le {made_at} UTC selon elle-même, de {count} "
            "fichiers. Quiconque a la clé publique peut l'avoir écrite, et ce qui est restauré est cru "
            "en tout. Vient-elle de là où vous gardez les vôtres, et de cette date ?"
        ),
        restored=(
            "{owner} est restauré dans {directory} : {count} fichiers, tels qu'ils étaient le "
            "{made_at} UTC."
        ),
        whole="{file} s'ouvre et est entier : {owner}, fait le {made_at} UTC par Volet {version}.",
        would_say="Une restauration dirait : {message}",
        untried=(
            "Ce qu'en dirait une restauration n'a pas été essayé : {memory} n'a pas la place pour ses "
            "{size_bytes} octets."
        ),
        drew_phrase="Phrase secrète : {passphrase}",
        drew_key=(
            "Clé {key} créée : {out} ouvre les sauvegardes, gardez-la loin de la machine qui les écrit "
            "et gardez-en une copie ; `volet {party} backup --to {public}` les écrit."
        ),
        prompts=Prompts(
            "Phrase secrète :",
            "Répétez-la :",
            "Erreur : les deux phrases secrètes ne sont pas les mêmes.",
        ),
    ),
    en=ENGLISH,
)
_NEXT = bilingual(
    fr=(
        "Ensuite : démarrez le boîtier, `volet edge run --dir {directory}` ; il demande à la "
        "collectivité ce qui s'est passé depuis et reprend de là. Ne faites jamais tourner deux "
        "boîtiers à partir d'une même sauvegarde : chacun prendrait la connexion de l'autre."
    ),
    en=(
        "Next: start the chip, `volet edge run --dir {directory}`; it asks the cloud what happened "
        "since and goes on from there. Never run two chips from one backup: they would take the "
        "connection from each other."
    ),
)

_RECEIPTS_WAIT = bilingual(
    fr=(
        "Les reçus attendent : cette copie ne sait pas lesquels sont partis depuis. Laissez-les "
        "repartir avec `volet edge receipts --release --dir {directory}`."
    ),
    en=(
        "Receipts wait: this copy does not know which have left since. Let them go again with "
        "`volet edge receipts --release --dir {directory}`."
    ),
)

_ORDER_DROPPED = bilingual(
    fr=(
        "Un déménagement était demandé ; cette copie ne l'exécute pas. Si vous êtes déjà partis, "
        "ne démarrez pas ce boîtier ; sinon, demandez-le à nouveau, si vous le voulez encore : "
        "`volet edge move-out --dir {directory}`."
    ),
    en=(
        "A move-out was ordered; this copy does not carry it out. If you have left already, do "
        "not start this chip; else order it again, if you still want it: "
        "`volet edge move-out --dir {directory}`."
    ),
)

_HOME_IS_OFF = bilingual(
    fr=(
        "La maison connectée n'apprend rien, car ce boîtier est peut-être dans une autre maison : pour "
        "le lui dire de nouveau, `volet edge home --on --dir {directory}`."
    ),
    en=(
        "The smart home is told nothing, since this chip may stand in another home: to tell it again, "
        "`volet edge home --on --dir {directory}`."
    ),
)


def words() -> Words:
    """Return the sentences in the language of the command that runs."""
    return _WORDS[language()]


def next_step() -> str:
    """Return the step after a restore, in the language of the command that runs."""
    return _NEXT[language()]


def receipts_wait() -> str:
    """Return the notice that receipts wait for the household, in the command's language."""
    return _RECEIPTS_WAIT[language()]


def order_dropped() -> str:
    """Return the notice that a move-out must be ordered again, in the command's language."""
    return _ORDER_DROPPED[language()]


def home_is_off() -> str:
    """Return the notice that the smart home is told nothing, in the command's language."""
    return _HOME_IS_OFF[language()]
