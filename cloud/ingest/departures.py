"""Checks the departures of households, ends their contracts and confirms."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar

import structlog

from cloud.ingest.downlink import DownlinkSigner
from cloud.ingest.handler import HandlerResult, MessageHandler, VerifiedMessage
from cloud.store import Device, Store, StoredContract
from protocol.calendar import day_of_number, legal_day
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.ids import HouseholdKeyId
from protocol.moving import Leave, Left, open_termination
from protocol.topics import Kind
from system.mqtt.message import Outgoing

# A household that moved in today and leaves today has tomorrow as its last day, because today is
# the last day at its former address.
AHEAD = timedelta(days=1)
ONE_DAY = timedelta(days=1)

log = structlog.get_logger()


def holds_after(contract: StoredContract, last_day: date) -> bool:
    """Return whether a contract is in force on some day after `last_day`."""
    return contract.end is None or contract.end > last_day + ONE_DAY


class DepartureIngest(MessageHandler[Leave]):
    """Takes leaves. It must come after the handler that stores the blocks sent with them."""

    bodies: ClassVar[Mapping[Kind, type[Leave]]] = {Kind.LEAVE: Leave}

    def __init__(self, store: Store, signer: DownlinkSigner) -> None:
        self._store = store
        self._signer = signer

    def take(self, messages: Sequence[VerifiedMessage[Leave]], at: datetime) -> HandlerResult:
        """Store departures, and end the contracts that the household has terminated."""
        result = HandlerResult()
        departed: list[tuple[VerifiedMessage[Leave], int]] = []
        for verified in messages:
            try:
                if verified.refused:
                    raise verified.refused
                departed.append((verified, self._take(verified.body, verified.device, at)))
            except MessageRefused as exc:
                result.refused.append((verified.message, exc))
        result.answers = lambda: self._answers(departed)
        return result

    def _answers(
        self, departed: Sequence[tuple[VerifiedMessage[Leave], int]]
    ) -> Iterator[Outgoing]:
        for verified, contracts in departed:
            log.info("household_departed", contracts=contracts)
            left = Left(verified.body.household_key, verified.body.last_day)
            device = verified.device
            yield self._signer.sign(device.device, Kind.LEFT, left, device.version)

    def _take(self, leave: Leave, device: Device, at: datetime) -> int:
        """Store one departure; return how many contracts it ended."""
        household_key = HouseholdKeyId(leave.household_key)
        last_day = day_of_number(leave.last_day)
        if last_day > legal_day(at) + AHEAD:
            raise MessageRefused(Reason.BOUNDS, "a last day that has not come")
        last_block = self._store.last_block_day(household_key)
        if last_block is not None and last_block > last_day:
            raise MessageRefused(Reason.BOUNDS, "there are blocks of later days")
        for document in leave.terminations:
            self._check_termination(document, household_key, last_day)
        # A signed termination of one contract proves that the household has left, so all its
        # contracts end: the chip or this store may not know of the others.
        contracts = self._store.contracts_of(household_key) if leave.terminations else ()
        ended = [contract for contract in contracts if holds_after(contract, last_day)]
        for contract in ended:
            self._store.put_termination(contract.hash, last_day, leave.terminations[0], at)
        self._store.leave(household_key, device.device, last_day)
        return len(ended)

    def _check_termination(
        self, document: bytes, household_key: HouseholdKeyId, last_day: date
    ) -> None:
        """Check that the household itself has signed the termination of one of its contracts."""
        known = self._store.identity(household_key)
        if known is None:
            raise MessageRefused(Reason.SIGNATURE, "no identity of this household is registered")
        try:
            termination = open_termination(document, known.identity)
        except DocumentRefused as exc:
            raise MessageRefused(Reason.SIGNATURE, "not the household's termination") from exc
        if (termination.household_key, termination.last_day) != (household_key, last_day):
            raise MessageRefused(Reason.BOUNDS, "a termination of something else")
        contract = self._store.contract(termination.contract)
        if contract is not None and contract.household_key != household_key:
            raise MessageRefused(Reason.BOUNDS, "no contract of this household")
