"""Household texts about receipts, in French and English."""

from edge.bills.receipts import Hold
from edge.bills.signed_off import Overview, SignedOff
from edge.language.choice import Lang
from edge.language.typography import bilingual
from edge.vault.receipts import ReceiptState

NO_RECEIPT = bilingual(fr="aucun reçu : {why}", en="no receipt: {why}")
STATES = bilingual(
    fr={
        ReceiptState.UNSENT: "reçu en cours d'envoi",
        ReceiptState.STORED: "reçu remis",
        None: "aucun reçu n'est encore parti",
    },
    en={
        ReceiptState.UNSENT: "receipt under way",
        ReceiptState.STORED: "receipt delivered",
        None: "no receipt has left yet",
    },
)
HOLDS = bilingual(
    fr={
        Hold.NOT_AGREED: "votre contrat n'en permet pas (consentement `nothing`)",
        Hold.BILLED: "une autre facture couvre déjà des jours de celle-ci",
        Hold.NOT_CORRECT: "cette facture n'est pas juste",
        Hold.MISMATCH: "cette facture n'a d'abord pas concordé avec votre compteur",
        Hold.ASKED: (
            "des factures ne concordaient pas ; les reçus attendent votre accord (`volet edge "
            "receipts --release`)"
        ),
        Hold.COVERED: "un autre reçu couvre déjà une partie de ces jours",
        Hold.LOST: (
            "ce boîtier a perdu sa mémoire, ou en a repris une copie, et ne sait plus quels reçus "
            "sont partis ; ils attendent votre accord (`volet edge receipts --release`)"
        ),
        Hold.OTHER_METER: "un autre compteur que celui de votre contrat a compté ces jours",
        Hold.METER_UNKNOWN: (
            "pas avant que ce boîtier n'ait relu le compteur de votre contrat : ces jours lui ont "
            "été rendus par la collectivité"
        ),
        Hold.TOO_SHORT: "moins de 25 jours en diraient trop sur vos journées",
        Hold.NOT_STORED: "pas avant que la collectivité n'ait reçu tous ces jours",
    },
    en={
        Hold.NOT_AGREED: "your contract allows none (consent `nothing`)",
        Hold.BILLED: "another bill covers days of this one already",
        Hold.NOT_CORRECT: "this bill is not correct",
        Hold.MISMATCH: "this bill did not agree with your meter at first",
        Hold.ASKED: (
            "bills did not agree; receipts wait for your word (`volet edge receipts --release`)"
        ),
        Hold.COVERED: "another receipt covers some of these days",
        Hold.LOST: (
            "this chip lost its store, or got a copy back, and does not know which receipts have "
            "left; they wait for your word (`volet edge receipts --release`)"
        ),
        Hold.OTHER_METER: "another meter than your contract's counted on some of these days",
        Hold.METER_UNKNOWN: (
            "not before this chip has read your contract's meter again: the city gave these days "
            "back to it"
        ),
        Hold.TOO_SHORT: "fewer than 25 days would tell too much of each",
        Hold.NOT_STORED: "not before the city has all of these days",
    },
)

_HELD = bilingual(
    fr=(
        "{count} factures ne concordaient pas : plus aucun reçu ne part. Pour qu'ils repartent, "
        "dites-le avec `volet edge receipts --release`."
    ),
    en=(
        "{count} bills did not agree: no receipt leaves any more. If they should go on, say so "
        "with `volet edge receipts --release`."
    ),
)
_LOST = bilingual(
    fr=(
        "Ce boîtier a perdu sa mémoire, ou en a repris une copie : il ne sait plus pour lesquels de "
        "{count} jours un reçu est parti, et n'en envoie plus aucun avant votre accord (`volet "
        "edge receipts --release`)."
    ),
    en=(
        "This chip lost its store, or got a copy back: it does not know for which of {count} days a "
        "receipt has left, and sends none until you agree (`volet edge receipts --release`)."
    ),
)


def receipt_in_words(signed_off: SignedOff, lang: Lang) -> str:
    """Return the state of a statement's receipt, or why there is none, as a sentence."""
    if signed_off.held is not None:
        return NO_RECEIPT[lang].format(why=HOLDS[lang][signed_off.held])
    state = None if signed_off.receipt is None else ReceiptState[signed_off.receipt.upper()]
    return STATES[lang][state]


def held_in_words(report: Overview, lang: Lang) -> list[str]:
    """Return what holds all receipts back until the household agrees; nothing if nothing does."""
    held = [_HELD[lang].format(count=report.mismatches)] if report.is_held else []
    if report.days_in_doubt:
        held.append(_LOST[lang].format(count=report.days_in_doubt))
    return held
