"""`volet edge confirm`: a person says that the index which the chip does not believe is right."""

from pathlib import Path

import click

from edge.bills.words import number
from edge.config import DEFAULT_DIRECTORY
from edge.confirming import leave_confirmation
from edge.household_command import HouseholdCommand
from edge.household_command import confirm as ask
from edge.language import Lang, language
from edge.metering.quarantine import Quarantine, quarantine_in
from edge.metering.reading import HISTORIQUE_REGISTERS, STANDARD_REGISTERS, Reading
from edge.metering.state import allowed_rise_wh, rise_wh
from edge.status.words import time_text
from edge.tic.frame import Mode
from edge.typography import bilingual
from edge.vault.lock import is_in_use
from edge.vault.reader import read_vault
from system.commands import directory_option

NOTHING = bilingual(
    en="No index waits to be confirmed.",
    fr="Aucun index n'attend de confirmation.",
)
HEAD = bilingual(
    en="Meter {serial} was believed last on {before}. It has shown since {now}:",
    fr="Le compteur {serial} a été cru pour la dernière fois le {before}. Il montre depuis "
    "le {now} :",
)
ROW = bilingual(
    en="  {name:<10}{before:>12} kWh  now {now:>12} kWh{mark}",
    fr="  {name:<10}{before:>12} kWh  puis {now:>12} kWh{mark}",
)
MARK = bilingual(en="  does not follow", fr="  ne fait pas suite")
MEANING = bilingual(
    en="""
Nothing is counted at the moment. Look at the meter's own display.

If it shows the new index: confirm. The chip goes on from there. What the meter counted between the
two readings is billed to nobody, your bill marks the day as estimated, and your provider learns
with the receipt that an index began anew.

If it shows the old index: do not confirm. The line is at fault; the chip goes on by itself as soon
as it reads the old index again, and nothing is lost.
""",
    fr="""
Rien n'est compté pour l'instant. Regardez l'écran du compteur lui-même.

S'il affiche le nouvel index : confirmez. Le boîtier repart de là. Ce que le compteur a compté entre
les deux lectures n'est facturé à personne, votre facture marque ce jour comme estimé, et votre
fournisseur apprend avec le reçu qu'un index est reparti d'une autre valeur.

S'il affiche l'ancien index : ne confirmez pas. C'est la liaison qui est en défaut ; le boîtier
reprend de lui-même dès qu'il relit l'ancien index, et rien n'est perdu.
""",
)
QUESTION = bilingual(
    en="Does the meter show the new index, and shall the chip go on from it?",
    fr="Le compteur affiche-t-il le nouvel index, et le boîtier doit-il repartir de là ?",
)
DONE = bilingual(
    en="Confirmed: the chip goes on from the new index with its next reading.",
    fr="Confirmé : le boîtier repart du nouvel index dès sa prochaine lecture.",
)
NOT_RUNNING = bilingual(
    en="It does not run; start it with `volet edge run`.",
    fr="Il est arrêté ; démarrez-le avec `volet edge run`.",
)


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
@click.option("--yes", is_flag=True, help="Do not ask.")
def confirm(directory: Path, *, yes: bool) -> None:
    """Show an index of the meter that the chip does not believe, and confirm it.

    An index that fell, or rose by more than can have been used, stops metering until the old one
    goes on or a person says that the meter shows the new one. Asks first.
    """
    lang = language()
    with read_vault(directory) as vault:
        state = vault.values.state()
    found = None if state is None else quarantine_in(state)
    if found is None:
        click.echo(NOTHING[lang])
        return
    click.echo(in_words(found, lang))
    if not yes:
        click.echo(MEANING[lang])
        ask(QUESTION[lang])
    leave_confirmation(directory, found)
    click.echo(DONE[lang])
    if not is_in_use(directory):
        click.echo(NOT_RUNNING[lang])


def in_words(found: Quarantine, lang: Lang) -> str:
    """Lay out which registers stood where, and where they stand now, in kWh."""
    before, now = found.before, found.now
    limit_wh = allowed_rise_wh(now.at - before.at)
    rows = [
        HEAD[lang].format(
            serial=now.serial, before=time_text(before.at, lang), now=time_text(now.at, lang)
        )
    ]
    for name, before_wh, now_wh in _registers(before, now):
        step_wh = rise_wh(before_wh, now_wh)
        rows.append(
            ROW[lang].format(
                name=name,
                before=number(before_wh // 1_000, lang),
                now=number(now_wh // 1_000, lang),
                mark=MARK[lang] if step_wh is None or step_wh > limit_wh else "",
            )
        )
    return "\n".join(rows)


def _registers(before: Reading, now: Reading) -> list[tuple[str, int, int]]:
    """Return (label, Wh before, Wh now) of each register that both readings carry."""
    is_standard = now.mode is Mode.STANDARD
    names = STANDARD_REGISTERS if is_standard else HISTORIQUE_REGISTERS.get(now.calendar or "", ())
    pairs = [
        ("EAST" if is_standard else "Σ", before.total_wh, now.total_wh),
        *zip(names, before.registers_wh, now.registers_wh, strict=False),
        ("EAIT", before.injected_wh, now.injected_wh),
    ]
    return [
        (name, before_wh, now_wh)
        for name, before_wh, now_wh in pairs
        if before_wh is not None and now_wh is not None
    ]
