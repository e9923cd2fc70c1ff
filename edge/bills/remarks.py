"""Turns a judgement's days, meters and corrections into sentences for the household."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from edge.bills.billed import runs
from edge.bills.judgement import ContractDays, Finding, Judgement, OpenedLine
from edge.bills.meter_away import MeterAway
from edge.language.choice import Lang
from edge.language.numbers import SHORT_HASH, day_text, energy, number
from edge.language.typography import bilingual
from protocol.doubt import Doubt

ONE_DAY = timedelta(days=1)

SENTENCES = bilingual(
    fr={
        "line": "{name} : cette facture compte {stated}, votre compteur {own}.",
        "late": "Jours d'une période antérieure, facturés maintenant : {days}.",
        "left_out": "Jours de cette période non encore facturés : {days}.",
        "owed": "Jours antérieurs qui restent à facturer : {days}.",
        "gap": "Jours jamais facturés : {days}.",
        "calendar": (
            "Votre compteur suit un autre calendrier tarifaire depuis le {day}. Demandez à votre "
            "fournisseur un relevé qui s'arrête là, et un autre à partir du {day} au tarif de ce "
            "calendrier. Si votre contrat n'en a pas, prenez son offre pour ce calendrier à partir de "
            "ce jour : `volet edge request --offer OFFER.json --from {typed}`."
        ),
        "other_calendar": (
            "Votre compteur suit le calendrier de ce contrat à partir du {day} seulement. Le contrat "
            "commence trop tôt : les jours d'avant ({energy}) sont d'un autre calendrier, et aucune "
            "facture de ce contrat ne peut les compter. Si aucune facture n'a réglé de jour à partir "
            "du {day}, reprenez d'abord l'offre précédente (`volet edge request --offer FORMER.json "
            "--from DAY`), à partir du lendemain du dernier jour réglé et d'au moins trois jours avant "
            "le {day} ; une fois la réponse installée (`volet edge enrol ENROLMENT.json`), reprenez "
            "celle-ci : `volet edge request --offer OFFER.json --from {typed}`. Sinon, votre "
            "fournisseur facture ces jours à part, sur papier, et les suivants par un relevé qui "
            "commence le {day}."
        ),
        "other_meter": (
            "Un autre compteur compte depuis le {day}. S'il est le vôtre, faites un nouveau "
            "contrat pour lui à partir de ce jour, ou du même premier jour qu'avant si son numéro "
            "était mal saisi : `volet edge request --offer OFFER.json --from DAY`. Remettez request.json à "
            "votre collectivité, installez sa réponse (`volet edge enrol ENROLMENT.json`), puis redémarrez le "
            "boîtier ; votre fournisseur redemande alors ce relevé."
        ),
        "away": (
            "Du {first} au {last}, un autre compteur a été pris pour le vôtre, qui est lu de nouveau "
            "depuis. Ces jours contiennent aussi l'énergie de l'autre : aucune facture ne peut les "
            "compter. Le vôtre a compté entre-temps : {registers}. Demandez à votre fournisseur une "
            "facture qui s'arrête avant le {first} et une autre qui commence après le {last}, et de "
            "facturer cette énergie à part, d'après ces index."
        ),
        "away_billed": (
            "Du {first} au {last}, un autre compteur a été pris pour le vôtre, qui est lu de nouveau "
            "depuis. Ces jours contiennent l'énergie de l'autre : aucune facture ne peut les compter. "
            "Ce que le vôtre a compté entre-temps est au jour où il a été relu. Demandez à votre "
            "fournisseur une facture qui s'arrête avant le {first} et une autre qui commence après "
            "le {last}."
        ),
        "register": "registre {number}, {kwh} kWh (de {before} à {after})",
        "billed": (
            "Une facture du contrat {contract}… a déjà réglé les jours du {start} au {end} ; un "
            "jour n'est facturé qu'une fois."
        ),
        "holds_to": "Le contrat {contract}… vaut du {start} au {end}.",
        "holds_on": "Le contrat {contract}… vaut à partir du {start}.",
        "holds_never": (
            "Le contrat {contract}… ne vaut aucun jour : un contrat ultérieur, ou votre départ, y a "
            "mis fin avant son premier jour."
        ),
        Doubt.INDEX_BEGAN_ANEW: (
            "Jours estimés : {days}. Un index de votre compteur est reparti d'une autre valeur ; ce "
            "qu'il a compté entre-temps n'est sur aucune facture."
        ),
        Doubt.INDEX_JUMPED: (
            "Jours estimés : {days}. Un index de votre compteur a augmenté de plus que votre "
            "logement n'a pu consommer, et y est resté ; tout est facturé. Comparez avec l'écran du "
            "compteur, et écrivez à votre fournisseur s'il montre autre chose."
        ),
        "credit": (
            "Cette facture remplace celle de {former} € : {amount} € en votre faveur, à déduire."
        ),
        "debit": "Cette facture remplace celle de {former} € : {amount} € de plus à payer.",
        "same": "Cette facture remplace celle de {former} € ; le montant ne change pas.",
        "meter": "Compteur {serial}, calendrier {calendar}, du {start} au {end} : {kwh} kWh.",
    },
    en={
        "line": "{name}: this bill counts {stated}, your meter {own}.",
        "late": "Days of an earlier period, billed now: {days}.",
        "left_out": "Days of this period not billed yet: {days}.",
        "owed": "Earlier days still to be billed: {days}.",
        "gap": "Days never billed: {days}.",
        "calendar": (
            "Your meter counts by another tariff calendar from {day} on. Ask your provider for a "
            "statement that ends there, and for another from {day} on at that calendar's tariff. If "
            "your contract has none for it, take the provider's offer for it from that day on: "
            "`volet edge request --offer OFFER.json --from {typed}`."
        ),
        "other_calendar": (
            "Your meter counts by this contract's calendar from {day} on only. The contract begins "
            "too early: the days before ({energy}) are of another calendar, and no bill under this "
            "contract can count them. If no bill has billed a day from {day} on, first take the "
            "former offer again (`volet edge request --offer FORMER.json --from DAY`), from the day "
            "after the last billed one and from three days before {day} at the latest; once the "
            "answer is installed (`volet edge enrol ENROLMENT.json`), take this one again: `volet "
            "edge request --offer OFFER.json --from {typed}`. Otherwise your provider bills those "
            "days apart, on paper, and the later ones by a statement that begins on {day}."
        ),
        "other_meter": (
            "Another meter has counted since {day}. If it is yours, make a new contract for it "
            "from that day on, or from the same first day as before if its number was mistyped: "
            "`volet edge request --offer OFFER.json --from DAY`. Hand request.json to your collectivity, "
            "install its answer (`volet edge enrol ENROLMENT.json`), then start the chip again; your provider then "
            "asks for this statement again."
        ),
        "away": (
            "From {first} to {last} another meter was taken for yours, which is read again since. "
            "These days hold the other one's energy too: no bill can count them. Yours counted "
            "meanwhile: {registers}. Ask your provider for a bill that ends before {first} and one "
            "that begins after {last}, and to bill this energy apart, by these readings."
        ),
        "away_billed": (
            "From {first} to {last} another meter was taken for yours, which is read again since. "
            "These days hold the other one's energy: no bill can count them. What yours counted "
            "meanwhile stands on the day on which it was read again. Ask your provider for a bill "
            "that ends before {first} and one that begins after {last}."
        ),
        "register": "register {number}, {kwh} kWh ({before} to {after})",
        "billed": (
            "A bill of contract {contract}… has billed the days {start} to {end}; a day is billed "
            "once."
        ),
        "holds_to": "Contract {contract}… holds from {start} to {end}.",
        "holds_on": "Contract {contract}… holds from {start} on.",
        "holds_never": (
            "Contract {contract}… holds on no day: a later contract, or your moving out, ended it "
            "before its first day."
        ),
        Doubt.INDEX_BEGAN_ANEW: (
            "Estimated days: {days}. An index of your meter began anew; what it counted in between "
            "is on no bill."
        ),
        Doubt.INDEX_JUMPED: (
            "Estimated days: {days}. An index of your meter rose by more than your home can have "
            "used, and stayed there; all of it is billed. Compare with the meter's display, and "
            "write to your provider if it shows something else."
        ),
        "credit": "This bill replaces the one of {former} €: {amount} € in your favour.",
        "debit": "This bill replaces the one of {former} €: {amount} € more to pay.",
        "same": "This bill replaces the one of {former} €; the amount stays the same.",
        "meter": "Meter {serial}, calendar {calendar}, {start} to {end}: {kwh} kWh.",
    },
)


def remarks(judgement: Judgement, lang: Lang, away: Sequence[MeterAway] = ()) -> list[str]:
    """Return sentences on lines that differ, on days, meters and credit.

    Days are told that are late, omitted, owed, unbilled or estimated.

    `away`: the times when another meter was taken for the home's, on days of the statement.
    """
    words = SENTENCES[lang]
    sentences = [
        words["line"].format(
            name=line.name,
            stated=_energy(line, line.quantity, lang),
            own=_energy(line, line.own_quantity, lang),
        )
        for line in judgement.opened
        if line.quantity != line.own_quantity
    ]
    sentences += [
        words[name].format(days=days_text(days, lang))
        for name, days in (
            ("late", judgement.late),
            ("left_out", judgement.left_out),
            ("owed", judgement.owed),
        )
        if days
    ]
    sentences += [
        words[estimate.doubt].format(days=days_text(estimate.days, lang))
        for estimate in judgement.estimated
    ]
    if judgement.gap is not None:
        first, end = judgement.gap
        sentences.append(
            words["gap"].format(days=days_text((first, end - ONE_DAY), lang, is_run=True))
        )
    sentences += _calendar(judgement, lang)
    sentences += away_in_words(away, lang)
    if judgement.other_meter is not None and not away:
        sentences.append(words["other_meter"].format(day=day_text(judgement.other_meter, lang)))
    if judgement.contract is not None:
        sentences.append(_contract(judgement, judgement.contract, lang))
    return [*sentences, *_credit(judgement, lang), *_meters(judgement, lang)]


def _energy(line: OpenedLine, quantity: int, lang: Lang) -> str:
    return energy(quantity if line.unit == "kWh" else Decimal(quantity).scaleb(-3), lang)


def away_in_words(away: Iterable[MeterAway], lang: Lang) -> list[str]:
    """Return sentences on when another meter was taken for the home's, and the energy meanwhile."""
    words = SENTENCES[lang]
    sentences = []
    for time in away:
        registers = [
            words["register"].format(
                number=n + 1,
                kwh=number(kwh, lang),
                before=number(time.before_kwh[n], lang),
                after=number(time.after_kwh[n], lang),
            )
            for n, kwh in enumerate(time.register_kwh)
            if kwh
        ]
        sentences.append(
            words["away" if registers else "away_billed"].format(
                first=day_text(time.first, lang),
                last=day_text(time.last, lang),
                registers=", ".join(registers),
            )
        )
    return sentences


def days_text(days: Iterable[date], lang: Lang, *, is_run: bool = False) -> str:
    """Format days as runs: 03/03/2026, 05/03/2026–07/03/2026; `is_run`: a first and a last day."""
    day_runs = [tuple(days)] if is_run else runs(days)
    return ", ".join(
        day_text(run[0], lang)
        if run[0] == run[-1]
        else f"{day_text(run[0], lang)}–{day_text(run[-1], lang)}"
        for run in day_runs
    )


def _calendar(judgement: Judgement, lang: Lang) -> list[str]:
    words, other, change = SENTENCES[lang], judgement.other_calendar, judgement.calendar_change
    if other is not None:
        sentence = words["other_calendar"].format(
            day=day_text(other.end, lang), typed=other.end, energy=energy(other.kwh, lang)
        )
        return [sentence]
    if change is None:
        return []
    return [words["calendar"].format(day=day_text(change, lang), typed=change)]


def _contract(judgement: Judgement, days: ContractDays, lang: Lang) -> str:
    if Finding.OUTSIDE_CONTRACT not in judgement.findings:
        kind = "billed"
    elif days.end is None:
        kind = "holds_on"
    else:
        kind = "holds_to" if days.start < days.end else "holds_never"
    last_day = days.start if days.end is None else days.end - ONE_DAY
    return SENTENCES[lang][kind].format(
        contract=days.contract[:SHORT_HASH],
        start=day_text(days.start, lang),
        end=day_text(last_day, lang),
    )


def _credit(judgement: Judgement, lang: Lang) -> list[str]:
    note = judgement.credit
    if note is None:
        return []
    kind = "same" if not note.difference else "credit" if note.difference < 0 else "debit"
    return [
        SENTENCES[lang][kind].format(
            former=number(note.former, lang), amount=number(abs(note.difference), lang)
        )
    ]


def _meters(judgement: Judgement, lang: Lang) -> list[str]:
    return [
        SENTENCES[lang]["meter"].format(
            serial=span.serial,
            calendar=span.calendar,
            start=day_text(span.start, lang),
            end=day_text(span.end - ONE_DAY, lang),
            kwh=number(sum(span.register_kwh), lang),
        )
        for span in judgement.meters
    ]
