"""A chip as colluding providers and collectivity see it: its input and its receipts.

They compute whatever they like. The chip judges statements and releases receipts by its own rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from unittest.mock import patch

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import protocol.statement
from cloud.billing.plan import WeightPlan
from cloud.billing.statements import Prepared, compute
from edge.bills.billed import BilledDays, billed_row
from edge.bills.judge import judge
from edge.bills.judgement import Judgement, Verdict
from edge.bills.receipts import (
    Hold,
    Past,
    hold,
    is_mismatch,
    is_short_period,
    read_inputs,
)
from edge.contracts.agreement import Agreement, ListedDocuments
from edge.contracts.meter import Fit
from edge.vault.billed import BilledRow
from protocol.calendar import day_number, day_of_number
from protocol.contract import (
    Acceptance,
    Consent,
    Contract,
    Offer,
    StatementRequest,
    sign_document,
)
from protocol.messages import Statement
from protocol.schedule import Schedules
from protocol.statement import components
from protocol.tariff import Tariff
from tests.support.household import Household


class ReceiptContent(msgspec.Struct, frozen=True):
    """A receipt's content: the total with tax, and each energy line's quantity and amount."""

    total: Decimal
    quantities: tuple[int, ...]
    amounts: tuple[Decimal, ...]


class Deal(msgspec.Struct, frozen=True):
    """A contract signed by the household, and its provider's key."""

    agreement: Agreement
    key: Ed25519PrivateKey
    acceptance: bytes


@dataclass
class Victim:
    """A household's chip with its ledgers, which start empty."""

    home: Household
    consent: Consent = Consent.LINES
    schedules: Schedules = field(default_factory=Schedules)
    # False for a chip that forgets for which days it has sent a receipt.
    is_remembering = True

    def __post_init__(self) -> None:
        self.rows: list[BilledRow] = []
        self.covered: dict[date, bool] = {}
        self.mismatched: list[bytes] = []
        self.short: set[bytes] = set()
        self.extensions: dict[bytes, Offer] = {}
        self.judgements: list[Judgement] = []

    def sign(self, *tariffs: Tariff, start: date | None = None, end: date | None = None) -> Deal:
        """Sign a contract for an offer of these tariffs, with another provider each time."""
        key = Ed25519PrivateKey.generate()
        offer = Offer(
            tariffs[0].provider,
            key.public_key().public_bytes_raw(),
            self.home.provider_sealing_key.public_bytes,
            "p",
            tariffs,
        )
        contract = Contract(
            sign_document(offer, key).hash,
            self.home.secret.id,
            self.home.secret.sealing.public_bytes,
            self.home.agreement.contract.meter,
            start or self.home.start,
            end,
            self.consent,
            follows=True,
        )
        signed = sign_document(contract, Ed25519PrivateKey.generate())
        acceptance = msgspec.msgpack.encode(sign_document(Acceptance(signed.hash), key))
        return Deal(Agreement(signed.hash, contract, offer), key, acceptance)

    def extend(self, deal: Deal, *tariffs: Tariff) -> bytes:
        """List an offer that adds tariffs to a deal's; returns its hash."""
        former = deal.agreement.offer
        offer = msgspec.structs.replace(
            former,
            tariffs=(*former.tariffs, *tariffs),
            extends=deal.agreement.contract.offer,
        )
        signed = sign_document(offer, deal.key)
        self.extensions[signed.hash] = offer
        return signed.hash

    def request(self, deal: Deal, start: date, end: date, **changes) -> StatementRequest:
        """Make a request of a deal; `without` and `late` may be days."""
        fields = {
            "id": self.home.rng.bytes(16),
            "contract": deal.agreement.contract_hash,
            "offer": deal.agreement.contract.offer,
            "start": day_number(start),
            "end": day_number(end),
        }
        for name in ("without", "late"):
            if name in changes:
                changes[name] = tuple(day_number(day) for day in changes[name])
        return StatementRequest(**(fields | changes))

    def statement(self, deal: Deal, request: StatementRequest) -> Statement:
        """Compute a statement without any rule."""
        offer = self.extensions.get(request.offer, deal.agreement.offer)
        with patch.object(protocol.statement, "check_spread"):
            parts = components(
                offer.tariffs,
                day_of_number(request.start),
                day_of_number(request.end),
                self.schedules,
                without=[day_of_number(number) for number in request.without],
                late=[day_of_number(number) for number in request.late],
            )
        contract = msgspec.structs.replace(
            self.home.stored_contract,
            hash=deal.agreement.contract_hash,
            acceptance=msgspec.msgpack.decode(
                deal.acceptance, type=type(self.home.stored_contract.acceptance)
            ),
        )
        days = set(request.days)
        blocks = [block for block in self.home.blocks if block.day in days]
        signed = msgspec.msgpack.encode(sign_document(request, deal.key))
        return compute(Prepared(request, WeightPlan(parts)), contract, signed, blocks)

    def answer(self, deal: Deal, statement: Statement) -> ReceiptContent | None:
        """Let the chip judge a statement; returns the receipt that leaves it, if any."""
        books = msgspec.structs.replace(self.home.books, billed=BilledDays.read(self.rows))
        listed = ListedDocuments(self.extensions, self.schedules)
        judgement = judge(statement, deal.agreement, listed, books)
        self.judgements.append(judgement)
        if is_mismatch(judgement):
            self.mismatched.append(statement.id)
        if judgement.verdict is not Verdict.CORRECT or judgement.bill is None:
            return None
        self.rows.append(billed_row(statement, judgement.bill))
        grounds = read_inputs(statement, deal.agreement, listed)
        covered = self.covered if self.is_remembering else {}
        past = Past(covered, self.mismatched, len(self.mismatched), self.short)
        self.why: Hold | None = hold(grounds, judgement, past, grounds.days, {Fit.SAME})
        if self.why is not None:
            return None
        self.covered |= dict.fromkeys(grounds.days, True)
        if is_short_period(grounds):
            self.short.add(deal.agreement.contract_hash)
        counted = [
            line for line in judgement.bill.lines if line.kwh is not None or line.wh is not None
        ]
        if self.consent is not Consent.LINES:
            counted = []
        return ReceiptContent(
            judgement.bill.total_ttc,
            tuple(line.wh if line.kwh is None else line.kwh for line in counted),
            tuple(line.ht for line in counted),
        )

    def ask(self, deal: Deal, start: date, end: date, **changes) -> ReceiptContent | None:
        """Request any statement; returns the receipt that leaves the chip, if any."""
        return self.answer(deal, self.statement(deal, self.request(deal, start, end, **changes)))

    def kwh(self, days: Sequence[date], register: int = 1) -> int:
        """Return the true count of a register on these days."""
        return sum(
            row.register_steps_kwh[register - 1] for row in self.home.days if row.day in days
        )

    def wh(self, day: date, first: int, last: int) -> int:
        """Return the true energy of the quarter-hours [first, last) of a day."""
        return sum(self.home.curves[day][first:last])
