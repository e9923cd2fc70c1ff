"""Bills on ciphertexts: weighted sums over a household's blocks, which the cloud cannot decrypt.

A request is answered once every day of its period is stored.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.billing.plan import WeightPlan
from cloud.store import Store, StoredBlock, StoredContract
from protocol.calendar import day_of_number, month_of
from protocol.contract import (
    Contract,
    Offer,
    Signed,
    StatementRequest,
    check_covered,
    check_extension,
    check_request,
    open_document,
    open_offer,
)
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.household import Coefficients
from protocol.ids import HouseholdKeyId
from protocol.layout import DAY_COEFFICIENTS, MONTH_COEFFICIENTS, coefficient
from protocol.messages import COEFFICIENT_BYTES, Cover, Statement
from protocol.packed import read_packed
from protocol.schedule import Schedules
from protocol.statement import components

# Many households share an offer and a period, so both are opened and computed once.
OFFERS_KEPT = 64
PLANS_KEPT = 16
DAY_BYTES = DAY_COEFFICIENTS * COEFFICIENT_BYTES
ONE_DAY = timedelta(days=1)


class DocumentLookup(Protocol):
    """Looks up listed documents."""

    def offer(self, offer_hash: bytes) -> Signed | None:
        """Return a listed offer."""

    def schedules(self) -> Schedules:
        """Return the listed calendars and series."""


class Prepared(msgspec.Struct, frozen=True):
    """A request whose documents have been checked."""

    request: StatementRequest
    plan: WeightPlan

    @property
    def start(self) -> date:
        """The first day of the period."""
        return day_of_number(self.request.start)

    @property
    def end(self) -> date:
        """The day after the last of the period."""
        return day_of_number(self.request.end)


def prepare(request_bytes: bytes, contract: StoredContract, documents: DocumentLookup) -> Prepared:
    """Check a provider's request against the contract.

    Raises:
        ScheduleMissing: a calendar or series does not reach the period's end yet.
        DocumentRefused: says what is wrong and what to do.
    """
    request = _read_request(request_bytes, contract)
    terms = decode_body(contract.contract.body, Contract)
    start, end = day_of_number(request.start), day_of_number(request.end)
    first = request.days[0]
    # A correction bills the same days as the original, even if the contract now ends within them.
    until = end_of(terms, contract.end) if request.corrects is None else None
    check_covered(contract.hash, terms.start, until, min(start, first), end)
    return Prepared(request, _plan_of(request, contract, documents))


def computed_values(
    request_bytes: bytes, contract: StoredContract, documents: DocumentLookup
) -> int:
    """Return how many encrypted values the statement for a request will hold.

    The contract may have ended since.
    """
    return _plan_of(_read_request(request_bytes, contract), contract, documents).values


def _read_request(request_bytes: bytes, contract: StoredContract) -> StatementRequest:
    try:
        signed = read_packed(request_bytes, Signed)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("This is no signed request.") from exc
    key = Ed25519PublicKey.from_public_bytes(contract.provider_key)
    request = open_document(signed, key, StatementRequest)
    if request.contract != contract.hash:
        raise DocumentRefused("The request names another contract.")
    check_request(request)
    return request


def _plan_of(
    request: StatementRequest, contract: StoredContract, documents: DocumentLookup
) -> WeightPlan:
    """Return the weights of a request's days under the offer that it names."""
    terms = decode_body(contract.contract.body, Contract)
    offer = _offer_of(request, contract, terms, documents)
    start, end = day_of_number(request.start), day_of_number(request.end)
    try:
        return _plan(offer, start, end, request.without, request.late, documents.schedules())
    except ValueError as exc:
        raise DocumentRefused(f"The offer does not price the whole period: {exc}.") from exc


def end_of(terms: Contract, ended: date | None) -> date | None:
    """Return the day after a contract's last day, or None if it is open-ended.

    `ended` is the day after the last if the household ended it later (a move, another contract).
    """
    return min((end for end in (terms.end, ended) if end is not None), default=None)


@lru_cache(maxsize=PLANS_KEPT)
def _plan(
    offer: Signed,
    start: date,
    end: date,
    without: tuple[int, ...],
    late: tuple[int, ...],
    schedules: Schedules,
) -> WeightPlan:
    """Return the weights of a period under an offer, cached because many households share them."""
    parts = components(
        _opened(offer).tariffs,
        start,
        end,
        schedules,
        without=[day_of_number(number) for number in without],
        late=[day_of_number(number) for number in late],
    )
    return WeightPlan(parts)


@lru_cache(maxsize=OFFERS_KEPT)
def _opened(offer: Signed) -> Offer:
    return open_offer(offer)


def _offer_of(
    request: StatementRequest, contract: StoredContract, terms: Contract, documents: DocumentLookup
) -> Signed:
    if request.offer == contract.offer.hash:
        return contract.offer
    if not terms.follows:
        raise DocumentRefused("The contract does not follow later offers; name its own.")
    listed = documents.offer(request.offer)
    if listed is None:
        raise DocumentRefused("The request names an offer that is not listed; list it first.")
    check_extension(_opened(contract.offer), _opened(listed))
    return listed


def blocks_of(
    store: Store, household_key: HouseholdKeyId, days: Sequence[date]
) -> list[StoredBlock]:
    """Return the stored blocks of these days (ordered), in order."""
    wanted_days = set(days)
    blocks = store.blocks_of_days(household_key, days[0], days[-1] + ONE_DAY)
    return [block for block in blocks if block.day in wanted_days]


def missing_days(blocks: Iterable[StoredBlock], days: Iterable[date]) -> list[date]:
    """Return those of `days` that are not completely stored yet."""
    stored: dict[date, int] = {}
    for block in blocks:
        stored[block.day] = stored.get(block.day, 0) + len(block.coefficients)
    return [day for day in days if stored.get(day) != DAY_BYTES]


def compute(
    prepared: Prepared,
    contract: StoredContract,
    request_bytes: bytes,
    blocks: Sequence[StoredBlock],
) -> Statement:
    """Sum a request's `blocks` under encryption for every energy line.

    Raises:
        DocumentRefused: the provider has not accepted the contract.
    """
    if contract.acceptance is None:
        raise DocumentRefused("The provider has not accepted this contract yet.")
    months = assemble(blocks)
    request = prepared.request
    return Statement(
        request.id,
        contract.household_key,
        request.contract,
        request.start,
        request.end,
        _covers(blocks),
        prepared.plan.lines(months),
        request_bytes,
        msgspec.msgpack.encode(contract.acceptance),
        prepared.plan.schedules,
    )


def assemble(blocks: Iterable[StoredBlock]) -> dict[date, Coefficients]:
    """Arrange blocks of any incarnation by month, as uint64[3968] each."""
    months: dict[date, bytearray] = {}
    for block in blocks:
        month = month_of(block.day)
        laid = months.get(month)
        if laid is None:
            laid = months[month] = bytearray(MONTH_COEFFICIENTS * COEFFICIENT_BYTES)
        first = coefficient(block.day, block.j0) * COEFFICIENT_BYTES
        laid[first : first + len(block.coefficients)] = block.coefficients
    return {
        month: np.frombuffer(laid, "<u8").astype(np.uint64, copy=False)
        for month, laid in months.items()
    }


def _covers(blocks: Iterable[StoredBlock]) -> tuple[Cover, ...]:
    sequences: dict[bytes, list[int]] = {}
    for block in blocks:
        sequences.setdefault(block.incarnation, []).append(block.sequence)
    return tuple(
        Cover(incarnation, tuple(sorted(numbers))) for incarnation, numbers in sequences.items()
    )
