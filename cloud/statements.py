"""Bills on ciphertexts: weighted sums over the blocks of a household, opened by nobody here.

A request is answered once every day of its period is stored; until then it waits.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import msgspec
import numpy as np
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cloud.message import Outgoing
from cloud.store import RequestState, Store, StoredBlock, StoredContract, StoredRequest
from protocol.calendar import day_number, day_of_number, month_of
from protocol.contract import (
    Contract,
    Offer,
    Signed,
    StatementRequest,
    check_extension,
    check_request,
    open_document,
    open_offer,
)
from protocol.envelope import SIZE_MAX_BYTES, Address, decode_body, seal_message
from protocol.errors import DocumentRefused
from protocol.household import Coefficients, weighted_sum
from protocol.ids import HouseholdKeyId
from protocol.layout import DAY_COEFFICIENTS, MONTH_COEFFICIENTS, coefficient
from protocol.messages import COEFFICIENT_BYTES, Cover, LineSums, MonthSums, Statement
from protocol.schedule import ScheduleMissing, Schedules
from protocol.statement import Component, components
from protocol.topics import Kind, device_topic

# The store's thread is the chips' too: no pass over the requests holds it longer than this many.
PAGE_REQUESTS = 64
VALUES_A_MONTH = 3  # quantity and two digits of the price
ONE_DAY = timedelta(days=1)

log = structlog.get_logger()


class Shelf(Protocol):
    """Where listed documents are looked up."""

    def offer(self, offer_hash: bytes) -> Signed | None:
        """Return a listed offer."""

    def schedules(self) -> Schedules:
        """Return the listed calendars and series."""


class ListedDocuments:
    """The shelf of a store that lists nothing yet: a contract's own offer is all there is."""

    def __init__(self, store: Store) -> None:
        """Look up in `store`."""
        self._store = store

    def offer(self, offer_hash: bytes) -> Signed | None:
        """See `Shelf.offer`."""
        return next((c.offer for c in self._store.contracts() if c.offer.hash == offer_hash), None)

    def schedules(self) -> Schedules:
        """See `Shelf.schedules`."""
        return Schedules()


class Prepared(msgspec.Struct, frozen=True):
    """A request whose documents have been checked."""

    request: StatementRequest
    components: tuple[Component, ...]

    @property
    def start(self) -> date:
        """The first day of the period."""
        return day_of_number(self.request.start)

    @property
    def end(self) -> date:
        """The day after the last of the period."""
        return day_of_number(self.request.end)


def prepare(request_bytes: bytes, contract: StoredContract, shelf: Shelf) -> Prepared:
    """Check a provider's request against the contract.

    Raises:
        ScheduleMissing: a calendar or series does not reach the period's end yet.
        DocumentRefused: with what is wrong and what to do.
    """
    try:
        signed = msgspec.msgpack.decode(request_bytes, type=Signed)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused("This is no signed request.") from exc
    key = Ed25519PublicKey.from_public_bytes(contract.provider_key)
    request = open_document(signed, key, StatementRequest)
    if request.contract != contract.hash:
        raise DocumentRefused("The request names another contract.")
    check_request(request)
    terms = decode_body(contract.contract.body, Contract)
    start, end = day_of_number(request.start), day_of_number(request.end)
    first = request.days[0]
    until = min([each for each in (terms.end, contract.end) if each is not None], default=None)
    if min(start, first) < terms.start or (until is not None and end > until):
        raise DocumentRefused(
            f"The contract holds from {terms.start} to {until or 'open end'}; "
            f"ask for days within it."
        )
    tariffs = _offer_of(request, contract, terms, shelf).tariffs
    try:
        parts = components(
            tariffs,
            start,
            end,
            shelf.schedules(),
            without=[day_of_number(number) for number in request.without],
            late=[day_of_number(number) for number in request.late],
        )
    except ValueError as exc:
        raise DocumentRefused(f"The offer does not price the whole period: {exc}.") from exc
    return Prepared(request, tuple(parts))


def _offer_of(
    request: StatementRequest, contract: StoredContract, terms: Contract, shelf: Shelf
) -> Offer:
    taken = open_offer(contract.offer)
    if request.offer == contract.offer.hash:
        return taken
    if not terms.follows:
        raise DocumentRefused("The contract does not follow later offers; name its own.")
    listed = shelf.offer(request.offer)
    if listed is None:
        raise DocumentRefused("The request names an offer that is not listed; list it first.")
    offer = open_offer(listed)
    check_extension(taken, offer)
    return offer


def blocks_of(
    store: Store, household_key: HouseholdKeyId, days: Sequence[date]
) -> list[StoredBlock]:
    """Return the stored blocks of these days (ordered), in order."""
    wanted = set(days)
    found = store.blocks_of_days(household_key, days[0], days[-1] + ONE_DAY)
    return [block for block in found if block.day in wanted]


def missing_days(
    store: Store, household_key: HouseholdKeyId, days: Sequence[date]
) -> list[date]:
    """Return those of `days` (ordered) that are not stored whole yet."""
    stored = store.stored_coefficients(household_key, days[0], days[-1] + ONE_DAY)
    return [day for day in days if stored.get(day) != DAY_COEFFICIENTS]


def compute(
    prepared: Prepared,
    contract: StoredContract,
    request_bytes: bytes,
    blocks: Sequence[StoredBlock],
) -> Statement:
    """Sum the `blocks` of all of a request's days for every energy line, under encryption.

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
        tuple(_line_sums(part, months) for part in prepared.components),
        request_bytes,
        msgspec.msgpack.encode(contract.acceptance),
        tuple(sorted({name for part in prepared.components for name in part.schedule_hashes()})),
    )


def encrypted_values(prepared: Prepared) -> int:
    """Return how many encrypted values of 8 bytes the statement of a request has."""
    return sum(VALUES_A_MONTH for part in prepared.components for _ in part.months())


def assemble(blocks: Iterable[StoredBlock]) -> dict[date, Coefficients]:
    """Lay blocks out by month: uint64[3968] each, whatever incarnation a coefficient is of."""
    months: dict[date, Coefficients] = {}
    for block in blocks:
        month = months.setdefault(month_of(block.day), np.zeros(MONTH_COEFFICIENTS, np.uint64))
        values = np.frombuffer(block.coefficients, "<u8")
        first = coefficient(block.day, block.j0)
        month[first : first + len(values)] = values
    return months


def _line_sums(part: Component, months: dict[date, Coefficients]) -> LineSums:
    sums = []
    for month in part.months():
        coefficients, weights = months[month], part.weights(month)
        low, high = (weighted_sum(coefficients, digit) for digit in weights.amount)
        quantity = weighted_sum(coefficients, weights.quantity)
        sums.append(MonthSums(day_number(month), quantity, (low, high)))
    return LineSums(part.tariff, part.number, tuple(sums))


def _covers(blocks: Iterable[StoredBlock]) -> tuple[Cover, ...]:
    sequences: dict[bytes, list[int]] = {}
    for block in blocks:
        sequences.setdefault(block.incarnation, []).append(block.sequence)
    return tuple(Cover(incarnation, tuple(sorted(s))) for incarnation, s in sequences.items())
