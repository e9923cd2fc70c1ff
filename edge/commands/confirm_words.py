"""Explanations and questions of `volet edge confirm`, in French and English."""

from edge.chip.restoring import UNKNOWN_SERIAL
from edge.language.choice import Lang
from edge.language.numbers import number, time_text
from edge.language.typography import bilingual
from edge.metering.counters import allowed_rise_wh, rise_wh
from edge.metering.reading import HISTORIQUE_REGISTERS, STANDARD_REGISTERS, Reading
from edge.metering.unconfirmed import Quarantine, Replacement, Unconfirmed
from edge.tic.frame import Mode

NOTHING = bilingual(
    en="Nothing waits to be confirmed.",
    fr="Rien n'attend de confirmation.",
)
MEANING = bilingual(
    en={
        Quarantine: """
Nothing is billed at the moment. Look at the meter's own display.

If it shows the new index, or what that has counted since: confirm. The chip counts all from its
first new reading on, however late you answer. What the meter counted between the old reading and
that one is billed to nobody, your bill marks the day as estimated, and your provider learns with
the receipt that an index began anew.

If it shows the old index: do not confirm. The line is at fault; the chip goes on by itself as soon
as it reads the old index again, and nothing is lost.
""",
        Replacement: """
Nothing that it shows is billed yet. Look at the number on your meter itself.

If it is this number, since your meter was replaced: confirm. The former meter closes at its last
reading, this one counts from its first; one that was yours before goes on from where it was billed
last. What neither has shown is billed to nobody. While your contract names the former meter, bills
are not marked correct and receipts are not sent: make one that names this meter, from the day of
its replacement on (`volet edge request --offer OFFER.json --from DAY`).

If it is another number: do not confirm. The chip hears a meter that is not yours, as when two
adapters have changed names; connect it to your own, which goes on from its last reading. Nothing
is lost.

If nothing is said, this meter counts as yours once it has been on the line for a day.
""",
    },
    fr={
        Quarantine: """
Rien n'est facturé pour l'instant. Regardez l'écran du compteur lui-même.

S'il affiche le nouvel index, ou ce qu'il a compté depuis : confirmez. Le boîtier compte tout à
partir de sa première nouvelle lecture, même si vous répondez tard. Ce que le compteur a compté
entre l'ancienne lecture et celle-ci n'est facturé à personne ; votre facture marque ce jour comme
estimé, et votre fournisseur apprend avec le reçu qu'un index est reparti d'une autre valeur.

S'il affiche l'ancien index : ne confirmez pas. C'est la liaison qui est en défaut ; le boîtier
reprend de lui-même dès qu'il relit l'ancien index, et rien n'est perdu.
""",
        Replacement: """
Rien de ce qu'il montre n'est facturé pour l'instant. Regardez le numéro sur votre compteur lui-même.

Si c'est ce numéro, parce que votre compteur a été remplacé : confirmez. L'ancien compteur s'arrête
à sa dernière lecture, celui-ci compte dès sa première ; un compteur qui a déjà été le vôtre reprend
là où il avait été facturé. Ce qu'aucun des deux n'a montré n'est facturé à personne. Tant que votre
contrat nomme l'ancien compteur, aucune facture n'est dite juste et aucun reçu ne part : faites-en
un qui nomme celui-ci, à partir du jour de son remplacement (`volet edge request --offer OFFER.json
--from DAY`).

Si c'est un autre numéro : ne confirmez pas. Le boîtier écoute un compteur qui n'est pas le vôtre,
comme lorsque deux adaptateurs ont changé de nom ; reliez-le au vôtre, qui reprendra à sa dernière
lecture. Rien n'est perdu.

Sans réponse, ce compteur compte comme le vôtre une fois resté branché un jour.
""",
    },
)
QUESTION = bilingual(
    en={
        Quarantine: "Does the meter show the new index, and shall the chip go on from it?",
        Replacement: "Is this meter yours now, and shall the chip go on with it?",
    },
    fr={
        Quarantine: (
            "Le compteur affiche-t-il le nouvel index, et le boîtier doit-il repartir de là ?"
        ),
        Replacement: (
            "Ce compteur est-il désormais le vôtre, et le boîtier doit-il continuer avec lui ?"
        ),
    },
)
DONE = bilingual(
    en={
        Quarantine: "Confirmed: the chip goes on from the new index with its next reading.",
        Replacement: "Confirmed: the chip goes on with this meter with its next reading.",
    },
    fr={
        Quarantine: "Confirmé : le boîtier repart du nouvel index dès sa prochaine lecture.",
        Replacement: "Confirmé : le boîtier continue avec ce compteur dès sa prochaine lecture.",
    },
)
NOT_RUNNING = bilingual(
    en=(
        "It does not run; start it with `volet edge run`. What you confirmed is kept for it: it is "
        "taken once the chip runs and the line shows this again. `volet edge status` says so "
        "meanwhile."
    ),
    fr=(
        "Il est arrêté ; démarrez-le avec `volet edge run`. Votre confirmation est gardée pour lui : "
        "elle prendra effet quand il tournera et que la liaison montrera encore la même chose. "
        "`volet edge status` le dit d'ici là."
    ),
)
ALREADY = bilingual(
    en=(
        "You have confirmed this already; it is taken once the chip runs and the line shows it "
        "again. Answer no to take it back."
    ),
    fr=(
        "Vous l'avez déjà confirmé ; cela prendra effet quand le boîtier tournera et que la liaison "
        "le montrera encore. Répondez non pour revenir sur votre réponse."
    ),
)
UNCHANGED = bilingual(en="Nothing was changed.", fr="Rien n'a changé.")
TAKEN_BACK = bilingual(
    en="What you had confirmed is taken back.",
    fr="Votre confirmation est retirée.",
)
WAITS = bilingual(
    en={
        Quarantine: (
            "Nothing is billed until the chip reads the old index again, or you confirm the new one "
            "(`volet edge confirm`); a late answer loses nothing."
        ),
        Replacement: (
            "What this meter shows stays set aside until your own is read again, you confirm this "
            "one (`volet edge confirm`), your contract names it, or it has been there for a day."
        ),
    },
    fr={
        Quarantine: (
            "Rien n'est facturé tant que le boîtier ne relit pas l'ancien index, ou que vous ne "
            "confirmez pas le nouveau (`volet edge confirm`) ; une réponse tardive ne fait rien "
            "perdre."
        ),
        Replacement: (
            "Ce que montre ce compteur reste mis de côté tant que le vôtre n'est pas relu, que vous "
            "ne confirmez pas celui-ci (`volet edge confirm`), que votre contrat ne le nomme pas, ou "
            "qu'il n'est pas resté un jour."
        ),
    },
)

_INDEX = bilingual(
    en="Meter {serial} was believed last on {before}. Since {first} it shows another index; on "
    "{now}:",
    fr="Le compteur {serial} a été cru pour la dernière fois le {before}. Depuis le {first}, il "
    "montre un autre index ; le {now} :",
)
_ROW = bilingual(
    en="  {name:<10}{before:>12} kWh  now {now:>12} kWh{mark}",
    fr="  {name:<10}{before:>12} kWh  puis {now:>12} kWh{mark}",
)
_MARK = bilingual(en="  does not follow", fr="  ne fait pas suite")
_METER = bilingual(
    en="Your meter {former} was read last on {before}. Another one, {serial}, has been on the line "
    "since {now}; it showed first:",
    fr="Votre compteur {former} a été lu pour la dernière fois le {before}. Un autre, {serial}, est "
    "branché depuis le {now} ; il a d'abord montré :",
)
_METER_AFTER_LOSS = bilingual(
    en="This chip, which has lost its store, knows its meter up to {before} and not by its number. "
    "A meter that it does not recognise, {serial}, has been on the line since {now}; it showed "
    "first:",
    fr="Ce boîtier, qui a perdu ses données, connaît son compteur jusqu'au {before}, mais pas son "
    "numéro. Un compteur qu'il ne reconnaît pas, {serial}, est branché depuis le {now} ; il a "
    "d'abord montré :",
)
_FIRST = bilingual(en="  {name:<10}{now:>12} kWh", fr="  {name:<10}{now:>12} kWh")


def in_words(unconfirmed: Unconfirmed, lang: Lang) -> str:
    """Format what waits to be confirmed: the meter and its registers, in kWh."""
    if isinstance(unconfirmed, Replacement):
        return _meter_in_words(unconfirmed, lang)
    return _index_in_words(unconfirmed, lang)


def _index_in_words(quarantine: Quarantine, lang: Lang) -> str:
    before, now = quarantine.before, quarantine.now
    limit_wh = allowed_rise_wh(now.at - before.at)
    rows = [
        _INDEX[lang].format(
            serial=now.serial,
            before=time_text(before.at, lang),
            first=time_text(quarantine.first.at, lang),
            now=time_text(now.at, lang),
        )
    ]
    for name, before_wh, now_wh in _registers(before, now):
        step_wh = rise_wh(before_wh, now_wh)
        rows.append(
            _ROW[lang].format(
                name=name,
                before=number(before_wh // 1_000, lang),
                now=number(now_wh // 1_000, lang),
                mark=_MARK[lang] if step_wh is None or step_wh > limit_wh else "",
            )
        )
    return "\n".join(rows)


def _meter_in_words(replacement: Replacement, lang: Lang) -> str:
    before, now = replacement.before, replacement.now
    head = _METER_AFTER_LOSS if before.serial == UNKNOWN_SERIAL else _METER
    heading = head[lang].format(
        former=before.serial,
        serial=now.serial,
        before=time_text(before.at, lang),
        now=time_text(now.at, lang),
    )
    rows = [
        _FIRST[lang].format(name=name, now=number(now_wh // 1_000, lang))
        for name, _, now_wh in _registers(now, now)
    ]
    return "\n".join([heading, *rows])


def _registers(before: Reading, now: Reading) -> list[tuple[str, int, int]]:
    """Return (label, Wh before, Wh now) for each register that is in both readings."""
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
