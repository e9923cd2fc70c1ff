"""Quotes: one pass over a household's encrypted months, which the cloud cannot decrypt.

The weights of a catalogue and a period are the same for every household, so they are computed once
and cached. Days that are missing or incomplete are left out of every sum and listed in the answer.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

import msgspec
import numpy as np
import numpy.typing as npt
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.billing.statements import assemble
from cloud.catalogue.log import OpenedLog
from cloud.store import Device, Store, StoredBlock
from protocol.calendar import day_number, day_of_number, days_between
from protocol.envelope import Address, seal_message
from protocol.errors import DocumentRefused
from protocol.household import Coefficients, Q
from protocol.ids import DeviceId
from protocol.layout import DAY_COEFFICIENTS, MONTH_COEFFICIENTS
from protocol.messages import COEFFICIENT_BYTES
from protocol.quotes import (
    BlockRange,
    Matrix,
    QuoteAnswer,
    QuotePart,
    QuotePlan,
    QuoteRequest,
    split_answer,
)
from protocol.topics import Kind, device_topic
from system.conditions import Repeated
from system.mqtt.message import Outgoing

# How many catalogues and periods have cached weights; chips mostly ask under the newest head for
# the same months.
PLANS_KEPT = 2
# No household needs quotes more often. A chip that asks again so soon has lost the answer.
PAUSE = timedelta(seconds=20)
ASKERS_KEPT = 10_000
_HALF_BITS = 30
_MASK = np.uint64((1 << _HALF_BITS) - 1)
_SHIFT = np.uint64(_HALF_BITS)

log = structlog.get_logger()


class _MonthWeights(msgspec.Struct, frozen=True):
    """`matrix` (int16[columns, n]) holds the weights of a month's coefficients `used`."""

    used: npt.NDArray[np.intp]
    matrix: Matrix


def column_sums(matrix: Matrix, coefficients: Coefficients) -> list[int]:
    """Return Σ w_k·c_k mod q for each row of weights.

    Args:
        matrix: int16[columns, n], n ≤ 4096, each |w| < 2^10.
        coefficients: uint64[n], each below q < 2^60.

    The result is exact in float64, whatever the order in which a BLAS adds. The halves of a
    coefficient are below 2^30, a product is below 2^40, and a partial sum of at most 2^12 products
    is below 2^52. Every integer up to 2^53 is a float64.
    """
    halves = np.stack([coefficients & _MASK, coefficients >> _SHIFT], axis=1).astype(np.float64)
    sums = (matrix.astype(np.float64) @ halves).astype(np.int64)
    return [(low + (high << _HALF_BITS)) % Q for low, high in sums.tolist()]


class Laid:
    """A plan with its weights in the layout of the cloud's pass over a household."""

    def __init__(self, plan: QuotePlan) -> None:
        """Lay out the weights of every month of `plan`."""
        self.plan = plan
        self._months = {month: _month_weights(plan.matrix(month)) for month in plan.months}

    def sums(self, months: Mapping[date, Coefficients]) -> bytes:
        """Sum all columns of all months; missing coefficients count as 0."""
        zeros = np.zeros(MONTH_COEFFICIENTS, np.uint64)
        sums: list[int] = []
        for month in self.plan.months:
            weights = self._months[month]
            sums += column_sums(weights.matrix, months.get(month, zeros)[weights.used])
        return np.array(sums, "<u8").tobytes()


def answer_quotes(
    laid: Laid, head: bytes, start: date, end: date, blocks: Sequence[StoredBlock]
) -> QuoteAnswer:
    """Compute every column's sum over the stored `blocks` of the days [start, end)."""
    stored = Counter[date]()
    for block in blocks:
        stored[block.day] += len(block.coefficients) // COEFFICIENT_BYTES
    missing = [day for day in days_between(start, end) if stored[day] != DAY_COEFFICIENTS]
    absent = set(missing)
    whole = [block for block in blocks if block.day not in absent]
    return QuoteAnswer(
        head,
        day_number(start),
        day_number(end),
        tuple(day_number(day) for day in missing),
        _ranges(whole),
        laid.sums(assemble(whole)),
    )


class QuoteService:
    """Answers chips that ask for quotes; runs in the store's thread."""

    def __init__(
        self, store: Store, listed: OpenedLog, collectivity: str, key: Ed25519PrivateKey
    ) -> None:
        """Use the `listed` offers, and sign answers with `key`."""
        self._store = store
        self._listed = listed
        self._collectivity = collectivity
        self._key = key
        self._repeated = Repeated()
        self._laid: OrderedDict[tuple[bytes, int, int], Laid] = OrderedDict()
        self._asked: OrderedDict[DeviceId, datetime] = OrderedDict()

    def answer(self, device: Device, request: QuoteRequest, at: datetime) -> tuple[Outgoing, ...]:
        """Answer a checked request; no answer if its head is unknown or it comes too soon."""
        if not self._may_ask(device.device, at):
            return ()
        start, end = day_of_number(request.start), day_of_number(request.end)
        laid = self._laid_for(request)
        if laid is None:
            log.info("quotes_under_unknown_head")
            return ()
        blocks = self._store.blocks_of_days(device.household_key, start, end)
        answer = answer_quotes(laid, request.head, start, end, blocks)
        try:
            parts = split_answer(answer)
        except DocumentRefused as exc:
            if times := self._repeated.found(str(exc)):
                log.error("quotes_too_large", why=str(exc), times=times)  # noqa: TRY400 - no stack
            return ()
        log.info("quotes_computed", columns=len(laid.plan.columns), parts=len(parts))
        return tuple(
            self._message(device, request, number, len(parts), part)
            for number, part in enumerate(parts)
        )

    def _message(
        self, device: Device, request: QuoteRequest, number: int, parts: int, data: bytes
    ) -> Outgoing:
        body = QuotePart(device.household_key, request.id, number, parts, data)
        address = Address(self._collectivity, device.device, Kind.QUOTES)
        payload = seal_message(address, body, self._key, device.version)
        rest = f"{request.id.hex()}/{number}"
        return Outgoing(device_topic(self._collectivity, device.device, Kind.QUOTES, rest), payload)

    def _may_ask(self, device: DeviceId, at: datetime) -> bool:
        before = self._asked.pop(device, None)
        is_too_soon = before is not None and at - before < PAUSE
        self._asked[device] = before if is_too_soon and before is not None else at
        if len(self._asked) > ASKERS_KEPT:
            self._asked.popitem(last=False)
        return not is_too_soon

    def _laid_for(self, request: QuoteRequest) -> Laid | None:
        key = request.head, request.start, request.end
        if key not in self._laid:
            catalogue = self._listed.at(request.head)
            if catalogue is None:
                return None
            start, end = day_of_number(request.start), day_of_number(request.end)
            self._laid[key] = Laid(QuotePlan(catalogue, start, end))
            if len(self._laid) > PLANS_KEPT:
                self._laid.popitem(last=False)
        self._laid.move_to_end(key)
        return self._laid[key]


def _month_weights(matrix: Matrix) -> _MonthWeights:
    used = np.flatnonzero(matrix.any(axis=0))
    return _MonthWeights(used, np.ascontiguousarray(matrix[:, used]))


def _ranges(blocks: Iterable[StoredBlock]) -> tuple[BlockRange, ...]:
    sequences: dict[bytes, list[int]] = {}
    for block in blocks:
        sequences.setdefault(block.incarnation, []).append(block.sequence)
    return tuple(
        BlockRange(incarnation, tuple(_runs(sorted(numbers))))
        for incarnation, numbers in sequences.items()
    )


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Group ascending numbers into half-open ranges."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs
