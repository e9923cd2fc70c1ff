"""Where the household stands with moving, and what to type at the chip for each next step.

Nothing is changed from here: what ends a household's time at a meter is typed at the chip.
"""

from dataclasses import dataclass
from datetime import date
from getpass import getuser
from pathlib import Path

from edge.contracts.signed import load_contract
from edge.household.shown import Moving, MovingStep, MovingTask
from edge.language.choice import Lang
from edge.language.directories import in_directory
from edge.language.numbers import day_text, number, time_text
from edge.language.typography import bilingual, to_type
from edge.moving.departure import ORDER
from edge.moving.exported import Exported, last_export
from edge.moving.words import BEGINS_LATER, REVOKED
from edge.stage import DEFAULT_DIRECTORY
from edge.vault.moving import Departure
from edge.vault.reader import VaultReader
from protocol.errors import ConfigError
from system.shell import quoted

_WORDS = bilingual(
    fr={
        MovingStep.STAYS: "Vous habitez ici, et aucun départ n'est demandé.",
        MovingStep.ORDERED: (
            "Le départ est demandé. Dès sa prochaine bonne lecture du compteur, le boîtier clôt votre "
            "dernier jour ; jusque-là, vous pouvez retirer l'ordre."
        ),
        MovingStep.SENDING: (
            "Votre dernier jour ici est le {day}. Tout n'est pas encore arrivé à la collectivité : "
            "laissez le boîtier en marche et connecté. Messages qui attendent : {left}."
        ),
        MovingStep.LEFT: (
            "Vous êtes parti : votre dernier jour ici est le {day}, et la collectivité a tout reçu. "
            "Il reste à emporter votre foyer."
        ),
        MovingStep.TAKEN: (
            "Vous êtes parti le {day}, et votre foyer est dans une exportation. Il reste à effacer ce "
            "boîtier pour qui vient."
        ),
        "leave": "Partir d'ici",
        "leave_how": (
            "Le jour de la remise des clés, avec le boîtier en marche et le compteur lisible. La "
            "commande demande si vous êtes sûr, puis le boîtier clôt le jour à l'index de cet instant. "
            "Cela ne se retire plus ensuite : c'est pourquoi cela se tape sur le boîtier, et qu'un "
            "téléphone volé n'y suffit pas."
        ),
        "ordered_how": "L'ordre est donné. Pour le retirer, tant que le jour n'est pas clos :",
        "sent": "Laisser partir le dernier jour",
        "sent_how": (
            "Le boîtier envoie ce qui reste et signe la fin de vos contrats, jusqu'à ce que la "
            "collectivité confirme. La même commande, tapée de nouveau, montre où il en est."
        ),
        "take": "Emporter votre foyer",
        "take_how": (
            "L'exportation est un fichier chiffré, et la fiche porte sa phrase secrète : imprimez-la, "
            "gardez-la loin du fichier, et copiez le fichier hors du boîtier. Sans elle, plus personne "
            "n'ouvre vos anciennes factures."
        ),
        "taken_at": "Dernière exportation : {at}.",
        "taken_before": (
            "Dernière exportation : {at}, donc sans tout ce qui a suivi ; refaites-la une fois parti."
        ),
        "taken_keys": "Dernière exportation : {at}, sans les relevés ni le budget de vie privée ; refaites-la.",
        "erase": "Effacer ce boîtier",
        "erase_how": (
            "Quand l'exportation est en lieu sûr, et la dernière facture reçue si vous changez de "
            "collectivité. La commande demande d'abord, puis détruit les clés et les relevés de ce "
            "foyer, sans retour. Cette page ne vous connaît plus ensuite."
        ),
        "arrive": "Dans le nouveau logement",
        "arrive_how": (
            "Sur le boîtier de là-bas, neuf ou effacé. Donnez request.json à la collectivité, puis "
            "installez sa réponse ; ensuite, démarrez le boîtier."
        ),
        "sheet": "fiche.html",
        "bundle": "foyer.volet",
    },
    en={
        MovingStep.STAYS: "You live here, and no departure is ordered.",
        MovingStep.ORDERED: (
            "The departure is ordered. With its next good reading of the meter the chip closes your last "
            "day; until then you can take the order back."
        ),
        MovingStep.SENDING: (
            "Your last day here is {day}. Not everything has reached the city yet: leave the chip on "
            "and connected. Messages that wait: {left}."
        ),
        MovingStep.LEFT: (
            "You have left: your last day here is {day}, and the city has everything. What remains is "
            "to take your household along."
        ),
        MovingStep.TAKEN: (
            "You left on {day}, and your household is in an export. What remains is to erase this chip "
            "for who comes next."
        ),
        "leave": "Leave this home",
        "leave_how": (
            "On the day on which you hand over the keys, with the chip running and the meter readable. "
            "The command asks whether you are sure; then the chip closes the day at the index of that "
            "moment. This cannot be taken back afterwards, so it is typed at the chip, and a stolen "
            "phone is not enough for it."
        ),
        "ordered_how": "The order is given. To take it back while the day is not closed:",
        "sent": "Let the last day leave",
        "sent_how": (
            "The chip sends what remains and signs the end of your contracts, until the city confirms. "
            "The same command, typed again, shows how far it has come."
        ),
        "take": "Take your household along",
        "take_how": (
            "The export is an encrypted file, and the sheet has its passphrase: print it, keep it away "
            "from the file, and copy the file off the chip. Without it nobody opens your old bills any "
            "more."
        ),
        "taken_at": "Last export: {at}.",
        "taken_before": (
            "Last export: {at}, and so without what came after; make it again once you have left."
        ),
        "taken_keys": "Last export: {at}, without readings and privacy budget; make it again.",
        "erase": "Erase this chip",
        "erase_how": (
            "Once the export is in a safe place, and the last bill has come if you go to another "
            "collectivity. The command asks first, then destroys this household's keys and readings, "
            "for good. This page does not know you afterwards."
        ),
        "arrive": "In the new home",
        "arrive_how": (
            "On the chip there, new or erased. Hand request.json to the collectivity, then install its "
            "answer; then start the chip."
        ),
        "sheet": "sheet.html",
        "bundle": "household.volet",
    },
)


@dataclass(frozen=True, slots=True)
class _Stand:
    """What the chip's directory says of a move."""

    is_ordered: bool
    departure: Departure | None
    exported: Exported | None

    @property
    def step(self) -> MovingStep:
        if self.departure is None:
            return MovingStep.ORDERED if self.is_ordered else MovingStep.STAYS
        if not self.departure.is_told:
            return MovingStep.SENDING
        return MovingStep.TAKEN if self.is_taken else MovingStep.LEFT

    @property
    def is_taken(self) -> bool:
        """Whether the last export has all that the household leaves behind."""
        if self.departure is None or self.exported is None:
            return False
        return self.exported.has_vault and self.exported.at >= self.departure.at


def moving(
    directory: Path,
    vault: VaultReader,
    today: date,
    lang: Lang,
    *,
    is_revoked: bool,
    has_unit: bool,
) -> Moving:
    """Return where the household in `directory` stands on `today`.

    `is_revoked`: the collectivity takes nothing from this chip; `has_unit`: systemd runs it.
    """
    stand = _Stand(ORDER.is_in(directory), vault.departures.get(), last_export(directory))
    day = "" if stand.departure is None else day_text(stand.departure.last_day, lang)
    left = number(vault.outbox_depth(), lang)
    warnings = _warnings(directory, stand, today, lang, is_revoked=is_revoked)
    return Moving(
        step=stand.step,
        standing=_WORDS[lang][stand.step].format(day=day, left=left),
        warnings=tuple(typable(text, directory) for text in warnings),
        tasks=_tasks(directory, stand, lang, has_unit=has_unit),
    )


def _warnings(
    directory: Path, stand: _Stand, today: date, lang: Lang, *, is_revoked: bool
) -> list[str]:
    if stand.departure is not None:
        return []
    warnings = [REVOKED[lang]] if is_revoked else []
    try:
        present = load_contract(directory)
    except ConfigError:  # which the page of contracts says
        return warnings
    if present is not None and today < present[1].start:
        warnings.append(BEGINS_LATER[lang].format(start=day_text(present[1].start, lang)))
    return warnings


def _tasks(directory: Path, stand: _Stand, lang: Lang, *, has_unit: bool) -> tuple[MovingTask, ...]:
    words, step = _WORDS[lang], stand.step
    move_out, bundle = "volet edge move-out", words["bundle"]
    leaving = (words["leave_how"], (move_out,))
    if step is MovingStep.ORDERED:
        leaving = (words["ordered_how"], (f"{move_out} --cancel",))
    stop = (f"sudo systemctl stop volet-edge@{quoted(getuser())}",) if has_unit else ()
    export = f"volet edge export --out {quoted(bundle)} --sheet {quoted(words['sheet'])} --draw"
    has_left = stand.departure is not None
    is_told = stand.departure is not None and stand.departure.is_told
    found = (
        ("leave", *leaving, has_left),
        ("sent", words["sent_how"], (move_out,) if has_left and not is_told else (), is_told),
        ("take", _take_text(stand, lang), (export,), stand.is_taken),
        ("erase", words["erase_how"], (*stop, "volet edge erase"), False),
    )
    waits = next(name for name, *_, is_done in found if not is_done)
    # An export can be made at any time; what destroys something is named when it is its turn.
    shown = {waits, "take"}
    tasks = [
        MovingTask(
            words[name],
            text,
            tuple(typable(f"`{each}`", directory) for each in commands if name in shown),
            is_done=is_done,
            is_next=name == waits,
        )
        for name, text, commands, is_done in found
    ]
    arriving = (
        "`volet edge init`",
        f"`volet edge import {quoted(bundle)}`",
        to_type("`volet edge request --offer OFFER.json --from DAY`", lang),
        to_type("`volet edge enrol ENROLMENT.json`", lang),
    )
    return (*tasks, MovingTask(words["arrive"], words["arrive_how"], arriving))


def _take_text(stand: _Stand, lang: Lang) -> str:
    words, exported = _WORDS[lang], stand.exported
    if exported is None:
        return words["take_how"]
    known = "taken_at" if stand.is_taken else "taken_before"
    if not exported.has_vault:
        known = "taken_keys"
    return f"{words['take_how']} {words[known].format(at=time_text(exported.at, lang))}"


def typable(text: str, directory: Path) -> str:
    """Return a text whose commands can be typed as they stand, whatever the chip's directory is."""
    return text if directory == DEFAULT_DIRECTORY else in_directory(text, directory)
