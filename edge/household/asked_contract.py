"""A contract that is asked for, or would be, as page and console show it before anybody says yes."""

from datetime import date

from edge.contracts.choices import ContractChoices
from edge.contracts.fitting import MeterNow, doubts
from edge.contracts.meter import meter_hash
from edge.contracts.signed import SignedAgreement
from edge.contracts.terms import terms_in_words
from edge.contracts.words import AS_BEFORE, CONSENTS, PRICES, SIGNED_WITH, WHOSE, WHOSE_KEY
from edge.household.shown import Row
from edge.household.shown_agreements import ContractStanding, ShownContract
from edge.language.choice import Lang
from edge.language.numbers import SHORT_HASH
from protocol.contract import Contract, open_offer
from protocol.envelope import decode_body
from protocol.ids import public_key_text


def asked_contract(
    agreement: SignedAgreement,
    meter: MeterNow,
    salt: bytes,
    since: date,
    lang: Lang,
    choices: ContractChoices | None = None,
    *,
    is_answered: bool = False,
) -> ShownContract:
    """Return a contract in words, and what speaks against it beside the meter on the line.

    The chip knows the days from `since` on. `salt` hides the meter's serial in the contract. Those of
    `choices` that an earlier contract made are told as such. `is_answered`: it is shown with the
    collectivity's answer, which is to put it in force.
    """
    opened = open_offer(agreement.offer)
    contract = decode_body(agreement.contract.body, Contract)
    is_its_meter = meter.serial is not None and meter_hash(salt, meter.serial) == contract.meter
    receipts, prices = CONSENTS[lang][contract.consent], PRICES[lang][contract.follows]
    if choices is not None:
        receipts += AS_BEFORE[lang] if choices.consent.is_kept else ""
        prices += AS_BEFORE[lang] if choices.follows.is_kept else ""
    return ShownContract(
        provider=opened.provider,
        product=opened.product,
        contract=agreement.contract.hash.hex()[:SHORT_HASH],
        standing=ContractStanding.ASKED,
        first=contract.start,
        last=None,
        receipts=receipts,
        prices=prices,
        meter=meter.serial or "" if is_its_meter else "",
        terms=(
            Row(SIGNED_WITH[lang], public_key_text(opened.provider_key)),
            Row(WHOSE_KEY[lang], WHOSE[lang][is_answered].format(provider=opened.provider)),
            *(Row(*row) for row in terms_in_words([opened], contract.start, lang)),
        ),
        doubts=tuple(doubts(contract, opened, meter, salt, since, lang)),
    )
