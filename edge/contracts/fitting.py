"""What a household should know of a contract before its yes: whether meter and days fit the offer.

The same comparison as `watch` makes once the chip runs, made where nothing is signed yet.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from edge.contracts.meter import meter_hash
from edge.contracts.terms import tariffs_on
from edge.contracts.watch import tariff_differences
from edge.language.choice import Lang
from edge.language.numbers import day_text
from edge.language.typography import bilingual
from edge.metering.events import NoticeKind
from edge.metering.state import MeterState
from protocol.contract import Contract, Offer

# A bill that is a month away surprises nobody.
_SOON = timedelta(days=62)
_DOUBTS: Mapping[Lang, Mapping[str, str]] = bilingual(
    fr={
        NoticeKind.METER_DIFFERS: (
            "Ce contrat nomme un autre compteur que celui qui est relié maintenant : aucune facture ne "
            "sera dite juste, et aucun reçu ne partira. Reliez le boîtier au compteur du contrat, ou "
            "faites une autre demande."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "L'offre est pour le calendrier {offer}, et votre compteur suit {meter} : tant qu'il n'est pas "
            "réglé sur celui de l'offre, aucune facture ne sera dite juste, et aucun reçu ne partira. "
            "Demandez à votre fournisseur l'offre de votre calendrier, ou de faire régler le compteur."
        ),
        NoticeKind.POWER_DIFFERS: (
            "L'offre est pour {offer} kVA, et votre compteur est réglé à {meter} kVA : vous paieriez "
            "l'abonnement d'une autre puissance. Demandez à votre fournisseur l'offre de la vôtre."
        ),
        "late": (
            "Le contrat ne commence que le {day} : d'ici là, aucune facture ne vient. Vérifiez le "
            "premier jour."
        ),
        "past": (
            "Le premier jour, {day}, est passé : des jours d'avant la mise en service, ce boîtier ne sait "
            "rien, et aucune facture qui les compte ne sera dite juste."
        ),
    },
    en={
        NoticeKind.METER_DIFFERS: (
            "This contract names another meter than the one on the line now: no bill will be called "
            "correct, and no receipt will leave. Connect the chip to the contract's meter, or make "
            "another request."
        ),
        NoticeKind.CALENDAR_DIFFERS: (
            "The offer is for the calendar {offer}, and your meter counts by {meter}: until it is set to "
            "the offer's, no bill will be called correct, and no receipt will leave. Ask your provider "
            "for the offer of your calendar, or to have the meter set."
        ),
        NoticeKind.POWER_DIFFERS: (
            "The offer is for {offer} kVA, and your meter is set to {meter} kVA: you would pay the "
            "subscription of another power. Ask your provider for the offer of yours."
        ),
        "late": (
            "The contract begins on {day} only: no bill comes until then. Check the first day."
        ),
        "past": (
            "The first day, {day}, is past: of the days before it was set up this chip knows nothing, and "
            "no bill that counts them will be called correct."
        ),
    },
)


class MeterNow(NamedTuple):
    """What the meter on the line says of itself; None is what it has not said."""

    serial: str | None
    calendar: str | None
    subscribed_kva: int | None


def meter_in(state: MeterState | None) -> MeterNow:
    """Return what the meter that the chip follows has said of itself last."""
    if state is None:
        return MeterNow(None, None, None)
    last = None if state.account is None else state.account.last
    if last is None:
        return MeterNow(state.serial, None, None)
    return MeterNow(state.serial, last.calendar, last.subscribed_kva)


def doubts(
    contract: Contract, offer: Offer, meter: MeterNow, salt: bytes, today: date, lang: Lang
) -> list[str]:
    """Return what will not work with a contract as it stands, the most serious first."""
    words = _DOUBTS[lang]
    tariffs = tariffs_on([offer], max(contract.start, today)) or tariffs_on([offer], contract.start)
    differing = tariff_differences(tariffs, meter.calendar, meter.subscribed_kva)
    found = []
    if meter.serial is not None and meter_hash(salt, meter.serial) != contract.meter:
        found.append(words[NoticeKind.METER_DIFFERS])
    if NoticeKind.CALENDAR_DIFFERS in differing:
        calendars = " / ".join(sorted({tariff.calendar for tariff in tariffs}))
        found.append(
            words[NoticeKind.CALENDAR_DIFFERS].format(offer=calendars, meter=meter.calendar)
        )
    if NoticeKind.POWER_DIFFERS in differing:
        powers = " / ".join(str(kva) for kva in sorted({tariff.kva or 0 for tariff in tariffs}))
        found.append(
            words[NoticeKind.POWER_DIFFERS].format(offer=powers, meter=meter.subscribed_kva)
        )
    if contract.start > today + _SOON:
        found.append(words["late"].format(day=day_text(contract.start, lang)))
    if contract.start < today:
        found.append(words["past"].format(day=day_text(contract.start, lang)))
    return found
