"""To what the household has agreed: contracts, receipts, the neighbourhood's figures, trustees."""

from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from edge.area.report import Participation, participation
from edge.area.settings import AreaConfig, load_choices
from edge.area.trustees import TrusteesReport, known_trustees
from edge.area.words import (
    fork_in_words,
    group_in_words,
    participation_on_page,
    profile_rows,
    risks_in_words,
    standing_in_words,
)
from edge.contracts.agreement import Agreement, load_agreement
from edge.contracts.catalogue import Copy
from edge.contracts.former import agreements_of, former_agreements
from edge.contracts.listed import Contracts
from edge.contracts.meter import meter_hash
from edge.contracts.terms import terms_in_words
from edge.contracts.words import CONSENTS, PRICES
from edge.household.shown import Row
from edge.household.shown_agreements import (
    AgreementList,
    ContractStanding,
    ShownContract,
    ShownTrustees,
)
from edge.identity.enrolment import Identity, load_identity
from edge.language.choice import Lang
from edge.language.french.looking_up import sentence_in
from edge.language.numbers import SHORT_HASH
from edge.vault.reader import VaultReader
from protocol.calendar import day_number
from protocol.socio import AGE_BANDS

ONE_DAY = timedelta(days=1)
CONTRACTS_SHOWN, SETS_SHOWN, FORKS_SHOWN = 40, 12, 12
_FIRST = tuple(ContractStanding)


def agreements(
    directory: Path, vault: VaultReader, config: AreaConfig, today: date, lang: Lang
) -> AgreementList:
    """Return the agreements of the chip in `directory` on `today`.

    Raises:
        ConfigError: the directory lacks the household's keys, or a contract is damaged.
    """
    identity, choices = load_identity(directory), load_choices(directory)
    on, profile = day_number(today), choices.profile
    taking_part = participation(vault.area.ledger(on), choices, config, on)
    known = known_trustees(vault, identity, choices.trustees, on)
    return AgreementList(
        contracts=_contracts(directory, vault, identity, today, lang),
        is_taking_part=taking_part is Participation.ON,
        is_on=choices.is_on,
        bands=tuple(zip(AGE_BANDS, [0] * 6 if profile is None else profile.ages, strict=True)),
        employed=0 if profile is None else profile.employed,
        participation=participation_on_page(taking_part, lang),
        profile=tuple(Row(*row) for row in profile_rows(profile, lang)),
        trustees=tuple(_trustees(report, lang) for report in known.sets[-SETS_SHOWN:]),
        groups=tuple(group_in_words(group, lang) for group in known.groups),
        forks=tuple(fork_in_words(fork, lang) for fork in known.forks[:FORKS_SHOWN]),
    )


class _Known(NamedTuple):
    """The household's contracts, and the serial of the meter that its chip reads, empty for none."""

    contracts: Contracts
    serial: str


def _contracts(
    directory: Path, vault: VaultReader, identity: Identity, today: date, lang: Lang
) -> tuple[ShownContract, ...]:
    current = load_agreement(directory)
    all_of = agreements_of(directory, current)
    signed = {each.contract_hash for each in former_agreements(directory)}
    signed |= set() if current is None else {current.contract_hash}
    listed = Copy(vault, identity.collectivity, identity.platform_key).catalogue
    contracts = Contracts(all_of, identity.meter_salt, listed, vault.departures.get)
    found = [contracts.agreement(name) for name in all_of]
    state = vault.values.state()
    known = _Known(contracts, "" if state is None else state.serial or "")
    shown = [
        _shown(each, known, is_answered=each.contract_hash in signed, today=today, lang=lang)
        for each in found
        if each is not None
    ]
    shown.sort(key=lambda each: each.first, reverse=True)
    shown.sort(key=lambda each: _FIRST.index(each.standing))
    return tuple(shown[:CONTRACTS_SHOWN])


def _shown(
    agreement: Agreement, known: _Known, *, is_answered: bool, today: date, lang: Lang
) -> ShownContract:
    contract = agreement.contract
    offers = (agreement.offer, *known.contracts.listed_for(agreement).extensions.values())
    is_known = meter_hash(known.contracts.meter_salt, known.serial) == contract.meter
    last = None if contract.end is None else contract.end - ONE_DAY
    day = max(contract.start, today if last is None else min(last, today))
    standing = ContractStanding.IN_FORCE
    if last is not None and last < today:
        standing = ContractStanding.ENDED
    elif not is_answered:
        standing = ContractStanding.ASKED
    elif contract.start > today:
        standing = ContractStanding.TO_COME
    return ShownContract(
        provider=agreement.offer.provider,
        product=agreement.offer.product,
        contract=agreement.contract_hash.hex()[:SHORT_HASH],
        standing=standing,
        first=contract.start,
        last=last,
        receipts=CONSENTS[lang][contract.consent],
        prices=PRICES[lang][contract.follows],
        meter=known.serial if is_known else "",
        terms=tuple(Row(*row) for row in terms_in_words(offers, day, lang)),
    )


def _trustees(report: TrusteesReport, lang: Lang) -> ShownTrustees:
    return ShownTrustees(
        fingerprint=report.fingerprint,
        standing=standing_in_words(report, lang),
        is_confirmed=report.is_confirmed,
        shape=sentence_in(lang, report.shape),
        since=date.fromisoformat(report.effective),
        trustees=tuple(Row(*trustee) for trustee in report.trustees),
        risks=tuple(risks_in_words(report, lang)),
    )
