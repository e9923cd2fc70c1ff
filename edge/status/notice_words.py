"""Notices of what happened and of what is still so, in French and English."""

from collections.abc import Collection, Iterable
from datetime import datetime

from edge.contracts.words import NOTICES as UNRESOLVED_NOTICES
from edge.contracts.words import PAST_NOTICES
from edge.language.choice import Lang
from edge.language.typography import bilingual
from edge.metering.events import Notice, NoticeKind
from edge.tic.frame import Mode
from protocol.registers import KNOWN_CALENDARS, count_alike, standard_name

# Each is shown with its date, as a past event.
NOTICES = bilingual(
    en={
        **PAST_NOTICES[Lang.EN],
        NoticeKind.VAULT_REBUILT: (
            "This chip lacked days that it had sent, and got them back from the city, each checked. "
            "Nothing is to be done for metering and bills; receipts wait for your word (`volet edge "
            "receipts`)."
        ),
        NoticeKind.KEYS_DRAWN: (
            "The readings of {count} are encrypted under new keys. Backups and bundles from before "
            "lack them; make new ones."
        ),
        NoticeKind.KEYS_LOST: (
            "Days from {first} to {last} were encrypted under keys that this chip lacks, as when it "
            "goes on from an older copy. Bills over them cannot be checked by this chip; check them "
            "by the meter's indices. A newer backup would bring the keys back. Readings from here "
            "on are under new keys; make a new backup."
        ),
        NoticeKind.GAP: "The meter was not read for some time; what it counted was spread over it.",
        NoticeKind.GAPS_ENDED: (
            "The meter is read well again; until then, readings were missing {count} times."
        ),
        NoticeKind.CLOCK_JUMP: "The meter's clock went back.",
        NoticeKind.CLOCK_DEGRADED: "The meter said that its own clock was not sure.",
        NoticeKind.CLOCK_DOUBTED: (
            "A clock could not be right; nothing was closed until the time had been sure for three "
            "minutes."
        ),
        NoticeKind.CLOCKS_DIFFER: (
            "The meter's clock and this machine's had differed for a day; the likelier one was used."
        ),
        NoticeKind.DAYS_REOPENED: "What a wrong clock had closed too early was opened again.",
        NoticeKind.BEGINNING_MOVED: (
            "Metering had begun at a wrong time; it goes on at the right one, and nothing is lost."
        ),
        NoticeKind.OTHER_METER: (
            "Another meter was on the line. What it showed was set aside, to wait for you to confirm "
            "it, for your contract to name it, or for a day to pass; such a meter then counts from "
            "its first reading on."
        ),
        NoticeKind.OTHER_METER_DROPPED: (
            "The other meter was not yours: what it showed is billed nowhere, and your own goes on "
            "from its last index."
        ),
        NoticeKind.METER_REPLACED: "Another meter than before counts from here on.",
        NoticeKind.CALENDAR_CHANGED: (
            "The meter counts by another tariff calendar. If it is not your contract's, take your "
            "provider's offer for it: `volet edge request --offer OFFER.json --from {offer_from}`."
        ),
        NoticeKind.INDEX_QUARANTINED: (
            "The meter showed an index that could not be right; it was set aside, to wait for the "
            "old one to go on or for you to confirm the new one."
        ),
        NoticeKind.QUARANTINE_ENDED: (
            "The meter goes on from the index that was believed; nothing was lost."
        ),
        NoticeKind.INDEX_BEGAN_ANEW: (
            "An index of the meter began anew; what it counted in between is billed to nobody. "
            "The bill marks the day as estimated, and your provider is told with the receipt."
        ),
        NoticeKind.INDEX_JUMPED: (
            "An index of the meter rose by more than your home can have used, and stayed there; it "
            "is counted. The bill marks the day as estimated, and your provider is told with the "
            "receipt."
        ),
        NoticeKind.LIMIT_YIELDED: (
            "The meter lets more power through than half as much again as the subscribed power; "
            "its readings are believed all the same."
        ),
        NoticeKind.INDEX_WRAPPED: "An index of the meter began again at zero.",
        NoticeKind.ENERGY_UNPLACED: (
            "More energy was counted at once than a quarter-hour takes; it was put into the next ones."
        ),
    },
    fr={
        **PAST_NOTICES[Lang.FR],
        NoticeKind.VAULT_REBUILT: (
            "Il manquait à ce boîtier des jours qu'il avait envoyés ; la collectivité les lui a "
            "rendus, et il les a vérifiés. Pour les relevés et les factures, il n'y a rien à faire ; "
            "les reçus attendent votre accord (`volet edge receipts`)."
        ),
        NoticeKind.KEYS_DRAWN: (
            "Les relevés de {count} sont chiffrés avec de nouvelles clés. Les sauvegardes et les "
            "exports d'avant ne les contiennent pas ; faites-en de nouveaux."
        ),
        NoticeKind.KEYS_LOST: (
            "Des jours du {first} au {last} ont été chiffrés avec des clés que ce boîtier n'a pas, "
            "comme lorsqu'il repart d'une copie plus ancienne. Il ne peut pas vérifier les factures de ces "
            "jours ; vérifiez-les par les index du compteur. Une sauvegarde plus récente rendrait "
            "ces clés. Les relevés d'après sont chiffrés avec de nouvelles clés ; faites une "
            "nouvelle sauvegarde."
        ),
        NoticeKind.GAP: (
            "Le compteur n'a pas été lu pendant un certain temps ; ce qu'il a compté a été réparti "
            "sur cette durée."
        ),
        NoticeKind.GAPS_ENDED: (
            "Le compteur est de nouveau bien lu ; jusque-là, des lectures ont manqué {count} fois."
        ),
        NoticeKind.CLOCK_JUMP: "L'horloge du compteur a reculé.",
        NoticeKind.CLOCK_DEGRADED: "Le compteur a dit que sa propre horloge n'était pas fiable.",
        NoticeKind.CLOCK_DOUBTED: (
            "Une horloge ne pouvait pas être juste ; rien n'a été clos avant que l'heure n'ait été "
            "sûre pendant trois minutes."
        ),
        NoticeKind.CLOCKS_DIFFER: (
            "L'horloge du compteur et celle de cette machine différaient depuis un jour ; la plus "
            "vraisemblable a été retenue."
        ),
        NoticeKind.DAYS_REOPENED: "Ce qu'une horloge fausse avait clos trop tôt a été rouvert.",
        NoticeKind.BEGINNING_MOVED: (
            "La mesure avait commencé à une heure fausse ; elle continue à la bonne, et rien n'est "
            "perdu."
        ),
        NoticeKind.OTHER_METER: (
            "Un autre compteur était branché. Ce qu'il montrait a été mis de côté, en attendant que "
            "vous le confirmiez, que votre contrat le nomme, ou qu'il soit resté un jour ; un tel "
            "compteur compte alors depuis son premier relevé."
        ),
        NoticeKind.OTHER_METER_DROPPED: (
            "L'autre compteur n'était pas le vôtre : ce qu'il a montré n'est facturé nulle part, "
            "et le vôtre reprend à son dernier index."
        ),
        NoticeKind.METER_REPLACED: "Un autre compteur qu'auparavant compte désormais.",
        NoticeKind.CALENDAR_CHANGED: (
            "Le compteur compte selon un autre calendrier tarifaire. Si ce n'est pas celui de votre "
            "contrat, prenez l'offre de votre fournisseur pour ce calendrier : `volet edge request "
            "--offer OFFER.json --from {offer_from}`."
        ),
        NoticeKind.INDEX_QUARANTINED: (
            "Le compteur a montré un index qui ne pouvait pas être juste ; il a été mis de côté, en "
            "attendant que l'ancien reprenne ou que vous confirmiez le nouveau."
        ),
        NoticeKind.QUARANTINE_ENDED: (
            "Le compteur a repris l'index retenu jusque-là ; rien n'est perdu."
        ),
        NoticeKind.INDEX_BEGAN_ANEW: (
            "Un index du compteur est reparti d'une autre valeur ; ce qu'il a compté entre-temps "
            "n'est facturé à personne. La facture marque ce jour comme estimé, et votre fournisseur "
            "l'apprend avec le reçu."
        ),
        NoticeKind.INDEX_JUMPED: (
            "Un index du compteur a augmenté de plus que votre logement n'a pu consommer, et y est "
            "resté ; il est compté. La facture marque ce jour comme estimé, et votre fournisseur "
            "l'apprend avec le reçu."
        ),
        NoticeKind.LIMIT_YIELDED: (
            "Le compteur laisse passer plus d'une fois et demie la puissance souscrite ; ses relevés "
            "sont retenus malgré tout."
        ),
        NoticeKind.INDEX_WRAPPED: "Un index du compteur est reparti de zéro.",
        NoticeKind.ENERGY_UNPLACED: (
            "Le compteur a compté d'un coup plus d'énergie qu'un quart d'heure ne peut en "
            "contenir ; le reste a été reporté sur les suivants."
        ),
    },
)

# Replaces the notice of a changed calendar if both names mean the same registers. BASE and EJP have
# the same name in both modes, so that the new mode is not known (None).
_MODE_SWITCHED: dict[Lang, dict[Mode | None, str]] = bilingual(
    en={
        Mode.HISTORIQUE: (
            "The meter's output (TIC) was switched to historique mode. The tariff is the same; "
            "nothing is to be done."
        ),
        Mode.STANDARD: (
            "The meter's output (TIC) was switched to standard mode. The tariff is the same; "
            "nothing is to be done."
        ),
        None: (
            "The meter's output (TIC) was switched to its other mode. The tariff is the same; "
            "nothing is to be done."
        ),
    },
    fr={
        Mode.HISTORIQUE: (
            "La sortie du compteur (TIC) est passée en mode historique. Le tarif est le même ; il "
            "n'y a rien à faire."
        ),
        Mode.STANDARD: (
            "La sortie du compteur (TIC) est passée en mode standard. Le tarif est le même ; il "
            "n'y a rien à faire."
        ),
        None: (
            "La sortie du compteur (TIC) est passée dans son autre mode. Le tarif est le même ; il "
            "n'y a rien à faire."
        ),
    },
)


def notices_in_words(
    notices: Iterable[Notice], unresolved: Collection[Notice], offer_from: str, lang: Lang
) -> list[tuple[datetime, str]]:
    """Return each notice with its instant: what is still so (`unresolved`) first, then the past.

    `offer_from`: the first day of a contract for what the meter is set to, as it is typed.
    """
    present = [(notice.at, UNRESOLVED_NOTICES[lang][notice.kind]) for notice in unresolved]
    past = (notice for notice in notices if notice not in unresolved)
    return present + [(notice.at, _past_in_words(notice, offer_from, lang)) for notice in past]


def _past_in_words(notice: Notice, offer_from: str, lang: Lang) -> str:
    if notice.kind is NoticeKind.CALENDAR_CHANGED:
        before, _, after = notice.detail.partition(" to ")
        if after in KNOWN_CALENDARS and count_alike(before, after):
            return _MODE_SWITCHED[lang][_mode_switched_to(before, after)]
    first, _, last = notice.detail.partition(" ")
    return NOTICES[lang][notice.kind].format(
        count=notice.detail, first=first, last=last, offer_from=offer_from
    )


def _mode_switched_to(before: str, after: str) -> Mode | None:
    """Return the mode in which the calendar is named `after`; None if both modes name it alike."""
    if before == after:
        return None
    return Mode.STANDARD if after == standard_name(after) else Mode.HISTORIQUE
