"""Prices a usage as the product prices a household: encrypted by day, summed and opened.

A simulated household encrypts its daily steps under its own key, its provider signs offer and
requests, the cloud's code computes statements on the ciphertexts, and the chip's code checks and
opens them. Nothing is sent or stored.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.statements import compute, prepare
from cloud.store import StoredBlock, StoredContract
from edge.bills.judge import judge
from edge.bills.judgement import OpenedLine, Verdict
from edge.bills.readings import LocalReadings, Span
from edge.contracts.agreement import Agreement, ListedDocuments
from edge.contracts.meter import Meters, meter_hash
from edge.metering.events import DayClosed
from edge.vault.keyring import Keyring
from edge.vault.rows import EpochRow, Metered
from edge.vault.sums import SumOpener
from protocol.bill import Energy
from protocol.calendar import day_number, days_between, month_of
from protocol.contract import (
    PERIOD_DAYS_MAX,
    Acceptance,
    Consent,
    Contract,
    Offer,
    Signed,
    StatementRequest,
    sign_document,
)
from protocol.errors import BoundExceeded, CipherError
from protocol.household import EpochPad
from protocol.hpke import SealingKey
from protocol.ids import Incarnation, new_device_id, new_incarnation
from protocol.keys import HouseholdSecret
from protocol.layout import DAY_COEFFICIENTS, REGISTER_STEP, STEP_MAX_KWH
from protocol.messages import STATEMENT_ID_BYTES
from protocol.schedule import Schedules
from protocol.statement import components
from tariffs.price import UsagePart

_PRODUCT = "Tarif Bleu"
_NO_SCHEDULES = Schedules()
_SERIAL, _SALT = "0" * 12, bytes(32)


class _OneOffer:
    """A transparency log with one offer."""

    def __init__(self, signed: Signed) -> None:
        self._signed = signed

    def offer(self, offer_hash: bytes) -> Signed | None:
        return self._signed if offer_hash == self._signed.hash else None

    def schedules(self) -> Schedules:
        return _NO_SCHEDULES


class _Ledger:
    """A household's closed days, encrypted as a chip encrypts them."""

    def __init__(self, secret: HouseholdSecret, parts: Sequence[UsagePart]) -> None:
        self._secret = secret
        self._keyring = Keyring(secret)
        self._incarnation = new_incarnation()
        self._epochs: dict[date, EpochPad] = {}
        self.closed: list[DayClosed] = []
        self.spans: list[Span] = []
        self.blocks: list[StoredBlock] = []
        device = new_device_id()
        for part in parts:
            for day, steps in _days_of(part):
                self.closed.append(_closed(day, part, steps))
                coefficients = self._encrypt(day, steps)
                sequence = len(self.blocks) + 1
                self.spans.append(Span(self._incarnation, sequence, day, 0, DAY_COEFFICIENTS))
                self.blocks.append(
                    StoredBlock(device, self._incarnation, sequence, day, 0, coefficients, b"")
                )

    def readings(self) -> LocalReadings:
        metered = Metered(tuple((closed, 0) for closed in self.closed))
        meters = Meters(_SALT, metered, self._secret.meter_fingerprint)
        sums = SumOpener(self._epoch, self._keyring)
        return LocalReadings(self.closed, self.spans, sums, lambda _day: (), meters)

    def between(self, start: date, end: date) -> list[StoredBlock]:
        return [block for block in self.blocks if start <= block.day < end]

    def _epoch(self, _incarnation: Incarnation, month: date) -> EpochRow:
        return EpochRow(self._epochs[month].seed, self._keyring.of_year(month.year).id)

    def _encrypt(self, day: date, steps: Sequence[int]) -> bytes:
        month = month_of(day)
        if month not in self._epochs:
            seal = self._keyring.of_year(month.year).seal
            self._epochs[month] = seal.new_epoch(month, self._incarnation)
        epoch = self._epochs[month]
        values = [0] * DAY_COEFFICIENTS
        values[REGISTER_STEP : REGISTER_STEP + len(steps)] = steps
        numbers = [epoch.encrypt(day, j, value) for j, value in enumerate(values)]
        return np.array(numbers, "<u8").tobytes()


class EncryptedPath:
    """The keys of a household and a provider, under which any number of usages can be priced."""

    def __init__(self) -> None:
        """Generate the keys."""
        self._secret = HouseholdSecret.generate()
        self._provider_key = Ed25519PrivateKey.generate()
        self._household_signing_key = Ed25519PrivateKey.generate()
        self._provider_sealing_key = SealingKey.generate().public_bytes

    def energies(self, parts: Sequence[UsagePart]) -> list[Energy]:
        """Return the energy lines of each part, counted from the opened statements.

        Raises:
            BoundExceeded: a register counts more in a day than a day's value can hold.
            CipherError: a statement does not open to the encrypted values.
        """
        ledger = _Ledger(self._secret, parts)
        stored, agreement = self._contract(parts)
        tariffs = agreement.offer.tariffs
        counted: dict[tuple[int, int], Energy] = {}
        # A statement ends where the tariff changes, so that its lines cover all of its days.
        for start, end in (period for part in parts for period in _statement_periods(part)):
            opened = self._open(ledger, stored, agreement, start, end)
            priced = components(tariffs, start, end, _NO_SCHEDULES)
            for component, line in zip(priced, opened, strict=True):
                key = (component.position, component.number)
                former = counted.get(key, Energy(*key, (), Fraction(0), kwh=0))
                counted[key] = Energy(
                    *key,
                    former.days + component.days,
                    former.eur + component.eur(line.amount_units),
                    kwh=(former.kwh or 0) + line.quantity,
                )
        return list(counted.values())

    def _contract(self, parts: Sequence[UsagePart]) -> tuple[StoredContract, Agreement]:
        provider_key = self._provider_key.public_key().public_bytes_raw()
        tariffs = tuple(part.tariff for part in parts)
        provider = tariffs[0].provider
        offer = Offer(provider, provider_key, self._provider_sealing_key, _PRODUCT, tariffs)
        signed_offer = sign_document(offer, self._provider_key)
        contract = Contract(
            signed_offer.hash,
            self._secret.id,
            self._secret.sealing.public_bytes,
            meter_hash(_SALT, _SERIAL),
            parts[0].start,
            None,
            Consent.LINES,
            follows=False,
        )
        signed = sign_document(contract, self._household_signing_key)
        acceptance = sign_document(Acceptance(signed.hash), self._provider_key)
        stored = StoredContract(
            signed.hash,
            self._secret.id,
            provider,
            provider_key,
            signed_offer,
            signed,
            acceptance,
        )
        return stored, Agreement(signed.hash, contract, offer)

    def _open(
        self, ledger: _Ledger, stored: StoredContract, agreement: Agreement, start: date, end: date
    ) -> tuple[OpenedLine, ...]:
        """Request and compute the statement of the days [start, end), and open it as the chip."""
        request = StatementRequest(
            secrets.token_bytes(STATEMENT_ID_BYTES),
            stored.hash,
            stored.offer.hash,
            day_number(start),
            day_number(end),
        )
        encoded = msgspec.msgpack.encode(sign_document(request, self._provider_key))
        prepared = prepare(encoded, stored, _OneOffer(stored.offer))
        statement = compute(prepared, stored, encoded, ledger.between(start, end))
        listed = ListedDocuments({}, _NO_SCHEDULES)
        judgement = judge(statement, agreement, listed, ledger.readings())
        if judgement.verdict is not Verdict.CORRECT:
            findings = ", ".join(judgement.findings)
            raise CipherError(f"The statement of {start} to {end} does not open: {findings}")
        return judgement.opened


def _days_of(part: UsagePart) -> Iterator[tuple[date, list[int]]]:
    """Spread a part's kWh evenly over its days, in whole kWh that add up."""
    days = days_between(part.start, part.end)
    count = len(days)
    for number, day in enumerate(days):
        steps = [kwh * (number + 1) // count - kwh * number // count for kwh in part.steps_kwh]
        if max(steps) > STEP_MAX_KWH:
            raise BoundExceeded(
                f"A register counts {max(steps)} kWh on {day}; a chip encrypts at most "
                f"{STEP_MAX_KWH} a day and carries the rest over, so price a longer period."
            )
        yield day, steps


def _closed(day: date, part: UsagePart, steps: Sequence[int]) -> DayClosed:
    return DayClosed(
        day=day,
        register_steps_kwh=tuple(steps),
        injected_wh=0,
        injected_step_kwh=0,
        register_index_kwh=(0,) * len(steps),
        injected_index_kwh=0,
        drawn_index_wh=0,
        injected_index_wh=0,
        meter_serial=_SERIAL,
        calendar=part.tariff.calendar,
        max_power_va=0,
        is_index_read=True,
    )


def _statement_periods(part: UsagePart) -> Iterator[tuple[date, date]]:
    """Split a part into periods that one statement may cover and that no tariff change divides."""
    days = [*days_between(part.start, part.end), part.end]
    firsts = days[:-1:PERIOD_DAYS_MAX]
    yield from zip(firsts, [*firsts[1:], part.end], strict=True)
