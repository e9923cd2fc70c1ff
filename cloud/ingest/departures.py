"""Households that move out: their word checked, contracts ended, and an answer that says so."""

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

# A household that came today and leaves today closes tomorrow: today was closed where it was before.
AHEAD = timedelta(days=1)
ONE_DAY = timedelta(days=1)

log = structlog.get_logger()


def holds_after(contract: StoredContract, last_day: date) -> bool:
    """Say whether a contract holds on some day after `last_day`."""
    return contract.end is None or contract.end > last_day + ONE_DAY


class DepartureIngest(MessageHandler[Leave]):
    """Takes leaves; it stands after what stores the blocks that come with them."""

    bodies: ClassVar[Mapping[Kind, type[Leave]]] = {Kind.LEAVE: Leave}

    def __init__(self, store: Store, signer: DownlinkSigner) -> None:
        self._store = store
        self._signer = signer

    def take(self, messages: Sequence[VerifiedMessage[Leave]], at: datetime) -> HandlerResult:
        """Keep departures, and end the contracts that the household has ended."""
        result = HandlerResult()
        departed: list[tuple[VerifiedMessage[Leave], int]] = []
        for each in messages:
            try:
                if each.refused:
                    raise each.refused
                departed.append((each, self._take(each.body, each.device, at)))
            except MessageRefused as exc:
                result.refused.append((each.message, exc))
        result.answers = lambda: self._answers(departed)
        return result

    def _answers(
        self, departed: Sequence[tuple[VerifiedMessage[Leave], int]]
    ) -> Iterator[Outgoing]:
        for each, contracts in departed:
            log.info("household_departed", contracts=contracts)
            left = Left(each.body.household_key, each.body.last_day)
            yield self._signer.sign(each.device.device, Kind.LEFT, left)

    def _take(self, leave: Leave, device: Device, at: datetime) -> int:
        """Keep one departure; returns how many contracts it ended."""
        household_key = HouseholdKeyId(leave.household_key)
        last_day = day_of_number(leave.last_day)
        if last_day > legal_day(at) + AHEAD:
            raise MessageRefused(Reason.BOUNDS, "a last day that has not come")
        last_block = self._store.last_block_day(household_key)
        if last_block is not None and last_block > last_day:
            raise MessageRefused(Reason.BOUNDS, "there are blocks of later days")
        for document in leave.terminations:
            self._check_termination(document, household_key, last_day)
        # The household's word for one contract, signed by itself, is its word that it has left:
        # the chip, or this store, may not know of another.
        held = self._store.contracts_of(household_key) if leave.terminations else ()
        ended = [each for each in held if holds_after(each, last_day)]
        for each in ended:
            self._store.put_termination(each.hash, last_day, leave.terminations[0], at)
        self._store.leave(household_key, device.device, last_day)
        return len(ended)

    def _check_termination(
        self, document: bytes, household_key: HouseholdKeyId, last_day: date
    ) -> None:
        """Check that the household itself has signed a termination, of a contract of its own."""
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
