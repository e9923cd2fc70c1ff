"""The chip's judgement of a statement: findings as fixed words and as household sentences."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec

from protocol.bill import Bill
from protocol.doubt import Doubt


class Finding(StrEnum):
    """A fault of a statement, or something worth knowing about it."""

    CONTRACT_UNKNOWN = "contract_unknown"
    REQUEST_FORGED = "request_forged"
    OUTSIDE_CONTRACT = "outside_contract"
    NO_TARIFF = "no_tariff"
    OFFER_UNKNOWN = "offer_unknown"
    SCHEDULE_MISSING = "schedule_missing"
    PRICE_STANDS_OUT = "price_stands_out"
    LINES_DIFFER = "lines_differ"
    BLOCK_UNKNOWN = "block_unknown"
    DAY_MISSING = "day_missing"
    DAY_TWICE = "day_twice"
    DAY_NOT_CLOSED = "day_not_closed"
    METER_DIFFERS = "meter_differs"
    CALENDAR_DIFFERS = "calendar_differs"
    CURVE_GONE = "curve_gone"
    KEYS_GONE = "keys_gone"
    ALREADY_BILLED = "already_settled"
    LATE_NOT_OWED = "late_not_owed"
    CORRECTION_UNFOUNDED = "correction_unfounded"
    QUANTITY_DIFFERS = "quantity_differs"
    AMOUNT_DIFFERS = "amount_differs"
    INDEX_NOT_READ = "index_not_read"
    LEFT_OUT_THOUGH_STORED = "left_out_though_stored"
    NEVER_BILLED = "never_billed"


class Verdict(StrEnum):
    """Correct: opened and equal. Differs: opened and unequal. Refused: not opened."""

    CORRECT = "correct"
    DIFFERS = "differs"
    REFUSED = "refused"


class OpenedLine(msgspec.Struct, frozen=True):
    """One opened line beside the chip's own count, both in `unit`.

    `amount_units` is in 0.00001 € (0.00000001 € where the unit is Wh), before rounding.
    """

    name: str
    unit: Literal["kWh", "Wh"]
    quantity: int
    own_quantity: int
    amount_units: int


class CreditNote(msgspec.Struct, frozen=True):
    """The change that a correction makes, in € with tax; a negative `difference` is a credit."""

    corrects: str
    former: Decimal
    total: Decimal
    difference: Decimal


class MeterSpan(msgspec.Struct, frozen=True):
    """The energy that one meter counted under one calendar on [start, end), kWh of registers 1…10.

    On a day of change, two spans have a part each.
    """

    serial: str
    calendar: str
    start: date
    end: date
    register_kwh: tuple[int, ...]


class ContractDays(msgspec.Struct, frozen=True):
    """A contract (its hash in hex) and the days [start, end) on which it holds; no end: open."""

    contract: str
    start: date
    end: date | None


class EstimatedDays(msgspec.Struct, frozen=True):
    """Days whose energy is an estimate, and the reason."""

    doubt: Doubt
    days: tuple[date, ...]


class OtherCalendar(msgspec.Struct, frozen=True):
    """A contract's first days, up to `end`, counted under another calendar than its tariff's."""

    end: date
    kwh: int


class Judgement(msgspec.Struct, frozen=True):
    """The chip's judgement of one statement over the days [start, end).

    Attributes:
        late: days before the period that this statement bills.
        left_out: days of the period that it does not bill.
        owed: earlier days that are still unbilled.
        gap: days [first, end) before the period that no statement has billed.
        calendar_change: the first day that the meter counted by another calendar than the tariff's.
        other_calendar: set where the meter changed to the tariff's calendar only after the
            contract began.
        contract: the contract that the statement exceeds, or that has already billed its days.
        other_meter: the first day on which another meter than the contract's counted.
        credit: the change, where the statement corrects another.
        meters: meters and calendars, where there was more than one.
        estimated: billed days that rest on a doubtful reading.
        billed_contract: the hash in hex of the contract that the statement bills; empty in
            judgements stored before this field existed.
    """

    statement: str
    start: date
    end: date
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    bill: Bill | None = None
    opened: tuple[OpenedLine, ...] = ()
    late: tuple[date, ...] = ()
    left_out: tuple[date, ...] = ()
    owed: tuple[date, ...] = ()
    gap: tuple[date, date] | None = None
    calendar_change: date | None = None
    other_calendar: OtherCalendar | None = None
    other_meter: date | None = None
    contract: ContractDays | None = None
    credit: CreditNote | None = None
    meters: tuple[MeterSpan, ...] = ()
    estimated: tuple[EstimatedDays, ...] = ()
    billed_contract: str = ""


WORDS_EN = {
    Finding.CONTRACT_UNKNOWN: "It names a contract that you have not signed.",
    Finding.REQUEST_FORGED: "Your provider did not ask for it in this form.",
    Finding.OUTSIDE_CONTRACT: "It covers days on which your contract does not hold.",
    Finding.NO_TARIFF: "Your contract has no tariff, or two, for one of its days.",
    Finding.OFFER_UNKNOWN: "It prices by an offer that is not listed, or not a sequel of yours.",
    Finding.SCHEDULE_MISSING: (
        "It prices by a calendar or market prices that are not listed, or not those your chip has."
    ),
    Finding.PRICE_STANDS_OUT: (
        "One of its prices stands on less than eight hours, or on one or two days; your chip "
        "answers no such statement, for it could tell when you used how much."
    ),
    Finding.LINES_DIFFER: "Its lines are not those of your tariff.",
    Finding.BLOCK_UNKNOWN: "It sums over readings that this chip never sent.",
    Finding.KEYS_GONE: (
        "The keys of some of its days are gone from this chip, so it cannot be opened; check it by "
        "the meter's indices."
    ),
    Finding.DAY_MISSING: "It leaves out days of its period.",
    Finding.DAY_TWICE: "It counts a day twice.",
    Finding.DAY_NOT_CLOSED: "It covers days that your meter has not closed yet.",
    Finding.METER_DIFFERS: "Another meter counted than the one that your contract names.",
    Finding.CALENDAR_DIFFERS: (
        "Your meter runs another tariff calendar than the contract; if it is in historique mode, "
        "ask your provider to switch its TIC output to standard."
    ),
    Finding.CURVE_GONE: "It prices quarter-hours so long ago that your chip keeps them no more.",
    Finding.ALREADY_BILLED: "It bills days that another bill covers already.",
    Finding.LATE_NOT_OWED: "It bills earlier days that no bill has left out, or that are billed already.",
    Finding.CORRECTION_UNFOUNDED: (
        "It corrects a bill that you have not had, of other days, or that was corrected before."
    ),
    Finding.QUANTITY_DIFFERS: "Its energy is not what your meter counted.",
    Finding.AMOUNT_DIFFERS: "Its amounts do not follow from energy and price.",
    Finding.INDEX_NOT_READ: "The meter could not be read at the end of the period.",
    Finding.LEFT_OUT_THOUGH_STORED: "It leaves out days although all their readings have arrived.",
    Finding.NEVER_BILLED: "Between it and the bill before lie days that were never billed.",
}

WORDS_FR = {
    Finding.CONTRACT_UNKNOWN: "Il cite un contrat que vous n'avez pas signé.",
    Finding.REQUEST_FORGED: "Votre fournisseur ne l'a pas demandé sous cette forme.",
    Finding.OUTSIDE_CONTRACT: "Il couvre des jours hors de votre contrat.",
    Finding.NO_TARIFF: "Votre contrat n'a aucun tarif, ou en a deux, pour l'un de ses jours.",
    Finding.OFFER_UNKNOWN: (
        "Il applique une offre qui n'est pas publiée, ou qui n'est pas la suite de la vôtre."
    ),
    Finding.SCHEDULE_MISSING: (
        "Il applique un calendrier ou des prix de marché qui ne sont pas publiés, ou que votre "
        "boîtier n'a pas."
    ),
    Finding.PRICE_STANDS_OUT: (
        "L'un de ses prix vaut pour moins de huit heures, ou pour un ou deux jours ; votre boîtier "
        "ne répond pas à un tel relevé, car il pourrait dire quand vous avez consommé, et combien."
    ),
    Finding.LINES_DIFFER: "Ses lignes ne sont pas celles de votre tarif.",
    Finding.BLOCK_UNKNOWN: "Il additionne des relevés que ce boîtier n'a jamais envoyés.",
    Finding.KEYS_GONE: (
        "Ce boîtier n'a plus les clés de certains de ses jours, et ne peut donc pas l'ouvrir ; "
        "vérifiez-la par les index du compteur."
    ),
    Finding.DAY_MISSING: "Il oublie des jours de sa période.",
    Finding.DAY_TWICE: "Il compte un jour deux fois.",
    Finding.DAY_NOT_CLOSED: "Il couvre des jours que votre compteur n'a pas encore clos.",
    Finding.METER_DIFFERS: "Un autre compteur que celui de votre contrat a compté.",
    Finding.CALENDAR_DIFFERS: (
        "Votre compteur suit un autre calendrier tarifaire que le contrat ; s'il est en mode "
        "historique, demandez à votre fournisseur de passer sa sortie TIC en mode standard."
    ),
    Finding.CURVE_GONE: (
        "Il facture des quarts d'heure si anciens que votre boîtier ne les garde plus."
    ),
    Finding.ALREADY_BILLED: "Il facture des jours qu'une autre facture a déjà réglés.",
    Finding.LATE_NOT_OWED: (
        "Il facture des jours antérieurs qu'aucune facture n'avait omis, ou qui sont déjà réglés."
    ),
    Finding.CORRECTION_UNFOUNDED: (
        "Il corrige une facture que vous n'avez pas reçue, d'autres jours, ou déjà corrigée."
    ),
    Finding.QUANTITY_DIFFERS: "Son énergie n'est pas celle que votre compteur a comptée.",
    Finding.AMOUNT_DIFFERS: "Ses montants ne découlent pas de l'énergie et du prix.",
    Finding.INDEX_NOT_READ: "Le compteur n'a pas pu être lu à la fin de la période.",
    Finding.LEFT_OUT_THOUGH_STORED: (
        "Il omet des jours alors que tous leurs relevés sont arrivés."
    ),
    Finding.NEVER_BILLED: ("Entre lui et la facture précédente, il y a des jours jamais facturés."),
}
