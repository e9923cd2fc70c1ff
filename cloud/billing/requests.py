"""Makes a provider's requests: the period, omitted days, days billed late, and corrections."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from cloud.billing.statements import blocks_of, missing_days
from cloud.catalogue.log import listed_in
from cloud.store import RequestState, Store, StoredContract
from protocol.bill import periods
from protocol.calendar import day_number, day_of_number, days_between, legal_day
from protocol.contract import Contract, Signed, StatementRequest, open_offer
from protocol.envelope import decode_body
from protocol.errors import DocumentRefused
from protocol.messages import STATEMENT_ID_BYTES
from protocol.packed import read_packed
from protocol.statement import SPREAD_DAYS
from protocol.tariff import Tariff

# A provider asks at the end of a period, or some weeks before. What waits is looked at again in
# each round.
AHEAD_MAX = timedelta(days=62)


def check_near(end: date, now: datetime) -> None:
    """Check that a period, whose last day is the one before `end`, is over soon.

    Raises:
        DocumentRefused: it is not.
    """
    if end > legal_day(now) + AHEAD_MAX:
        raise DocumentRefused(
            f"The period ends on {end}; ask when it is over, or at most {AHEAD_MAX.days} days before."
        )


def ask_for(
    store: Store,
    contract: StoredContract,
    start: date,
    end: date,
    *,
    without_missing: bool = False,
    offer: bytes | None = None,
) -> StatementRequest:
    """Make the request for the days [start, end) of a contract.

    Days that earlier requests omitted and that are stored now are billed late. With
    `without_missing`, days that are not stored are omitted and owed. At least SPREAD_DAYS of a
    tariff are omitted, since fewer could never be billed late. `offer` replaces the latest listed
    offer that applies to the contract.

    Raises:
        DocumentRefused: the period is empty, or its offer does not price it.
    """
    terms = decode_body(contract.contract.body, Contract)
    chosen = offer or _latest_offer(store, contract, terms)
    tariffs = _tariffs(store, contract, chosen)
    period = days_between(start, end)
    if not period:
        raise DocumentRefused(f"The period {start} to {end} holds no day.")
    without: list[date] = []
    if without_missing:
        missing = missing_days(blocks_of(store, contract.household_key, period), period)
        without = _widened(tariffs, missing, period)
    late = _late_days(store, contract, terms, start, tariffs)
    return StatementRequest(
        secrets.token_bytes(STATEMENT_ID_BYTES),
        contract.hash,
        chosen,
        day_number(start),
        day_number(end),
        tuple(map(day_number, without)),
        tuple(map(day_number, late)),
    )


def ask_again(
    store: Store, contract: StoredContract, corrects: bytes, *, offer: bytes | None = None
) -> StatementRequest:
    """Make the request that corrects an earlier one: the same days, by the latest listed offer.

    Raises:
        DocumentRefused: the contract has no such statement, or it is a correction itself.
    """
    original = next(
        (request for request in _requests_of(store, contract) if request.id == corrects), None
    )
    if original is None:
        raise DocumentRefused(f"No statement {corrects.hex()} of this contract is known.")
    if original.corrects is not None:
        raise DocumentRefused("This statement corrects another; a bill is corrected once.")
    terms = decode_body(contract.contract.body, Contract)
    return msgspec.structs.replace(
        original,
        id=secrets.token_bytes(STATEMENT_ID_BYTES),
        offer=offer or _latest_offer(store, contract, terms),
        corrects=corrects,
    )


def owed_days(store: Store, contract: StoredContract, before: date) -> list[date]:
    """Return the days before `before` that requests have omitted and none has billed since."""
    owed: set[int] = set()
    for request in _requests_of(store, contract):
        owed |= set(request.without)
        owed -= set(request.late)
    return sorted(day for number in owed if (day := day_of_number(number)) < before)


def _requests_of(store: Store, contract: StoredContract) -> list[StatementRequest]:
    """Return the requests of a contract that were not refused, oldest first."""
    return [
        decode_body(read_packed(stored.order.request, Signed).body, StatementRequest)
        for stored in store.requests_of(contract.hash)
        if stored.state is not RequestState.REFUSED
    ]


def _late_days(
    store: Store,
    contract: StoredContract,
    terms: Contract,
    start: date,
    tariffs: Sequence[Tariff],
) -> list[date]:
    owed = [day for day in owed_days(store, contract, start) if day >= terms.start]
    if not owed:
        return []
    missing = set(missing_days(blocks_of(store, contract.household_key, owed), owed))
    stored = [day for day in owed if day not in missing]
    return [
        day for group in _by_tariff(tariffs, stored) if len(group) >= SPREAD_DAYS for day in group
    ]


def _widened(
    tariffs: Sequence[Tariff], missing: Sequence[date], period: Sequence[date]
) -> list[date]:
    """Return the days to omit: the missing ones, plus neighbours where they are too few."""
    omitted = set(missing)
    for group in _by_tariff(tariffs, period):
        group_missing = [day for day in group if day in omitted]
        nearest = sorted(
            group,
            key=lambda day: (
                min(abs(day - missing_day) for missing_day in group_missing) if group_missing else 0
            ),
        )
        omitted |= set(nearest[:SPREAD_DAYS]) if 0 < len(group_missing) < SPREAD_DAYS else set()
    return sorted(omitted)


def _by_tariff(tariffs: Sequence[Tariff], days: Iterable[date]) -> list[list[date]]:
    """Group days by the tariff that prices them.

    Raises:
        DocumentRefused: a day has no tariff, or two.
    """
    groups: dict[int, list[date]] = {}
    for day in days:
        try:
            ((position, _, _),) = periods(tariffs, day, date.fromordinal(day.toordinal() + 1))
        except ValueError as exc:
            raise DocumentRefused(f"The offer does not price the whole period: {exc}.") from exc
        groups.setdefault(position, []).append(day)
    return list(groups.values())


def _latest_offer(store: Store, contract: StoredContract, terms: Contract) -> bytes:
    """Return the hash of the latest listed offer that applies to a contract."""
    if not terms.follows:
        return contract.offer.hash
    extensions = listed_in(store).catalogue.extensions_of(contract.offer.hash)
    return list(extensions)[-1] if extensions else contract.offer.hash


def _tariffs(store: Store, contract: StoredContract, offer: bytes) -> tuple[Tariff, ...]:
    signed = contract.offer if offer == contract.offer.hash else listed_in(store).offer(offer)
    if signed is None:
        raise DocumentRefused("The request names an offer that is not listed; list it first.")
    return open_offer(signed).tariffs
