"""Checks contributions and seed letters against documents and roster, stores and acknowledges them.

With the ack of a day whose contribution names an older document or entry than there is, the chip
gets its terms. So a chip that contributes need not ask for them.

The chip is not told of a refusal that may end by itself: missing seeds, or a roster entry that is
missing after a restore from backup. It resends the contribution until the day is over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from cloud.governance.current import AreaDocuments
from cloud.ingest.downlink import DownlinkSigner
from cloud.ingest.handler import HandlerResult, MessageHandler, VerifiedMessage
from cloud.store import Device, Put
from cloud.store.area import AreaStore, ContributionItem, LettersItem
from protocol.area_cipher import SLOT_BYTES
from protocol.area_messages import (
    AreaAck,
    Contribution,
    Part,
    SeedLetters,
    check_contribution,
)
from protocol.calendar import day_number, legal_day
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.measures import Measures
from protocol.roster import RosterEntry
from protocol.topics import Kind
from system.mqtt.message import Incoming, Outgoing

AreaBody = Contribution | SeedLetters
AreaMessage = VerifiedMessage[AreaBody]


class _NotYet(MessageRefused):
    """Refused for now. The chip is not notified, since the message may fit later."""


@dataclass(slots=True)
class _Ack:
    """An ack under construction for one device."""

    device: Device
    stored: set[int] = field(default_factory=set)
    refused: dict[int, Reason] = field(default_factory=dict)
    are_terms_old: bool = False


class AreaIngest(MessageHandler[AreaBody]):
    """Takes contributions to area figures and the seed letters they need."""

    bodies: ClassVar[Mapping[Kind, type[AreaBody]]] = {
        Kind.AREA: Contribution,
        Kind.KEY: SeedLetters,
    }

    def __init__(self, area: AreaStore, documents: AreaDocuments, signer: DownlinkSigner) -> None:
        self._area = area
        self._documents = documents
        self._signer = signer

    def check(self, body: AreaBody) -> None:
        """See `MessageHandler.check`."""
        if isinstance(body, Contribution):
            check_contribution(body)

    def take(self, messages: Sequence[AreaMessage], at: datetime) -> HandlerResult:
        """Store valid messages, letters first. A contribution's ack lists the stored days."""
        result = HandlerResult()
        self._documents.refresh()
        self._take_letters(messages, result)
        acks: dict[str, _Ack] = {}
        self._take_contributions(messages, at, result, acks)
        filled = [ack for ack in acks.values() if ack.stored or ack.refused]
        result.answers = lambda: self._answers(filled, at)
        return result

    def _take_letters(self, messages: Sequence[AreaMessage], result: HandlerResult) -> None:
        good: list[tuple[Incoming, LettersItem]] = []
        for verified in messages:
            if isinstance(verified.body, SeedLetters):
                try:
                    if verified.refused:
                        raise verified.refused
                    self._check_letters(verified.body)
                except MessageRefused as exc:
                    result.refused.append((verified.message, exc))
                else:
                    item = LettersItem(
                        verified.device.device, verified.body, verified.message.payload
                    )
                    good.append((verified.message, item))
        results = self._area.put_letters([item for _, item in good])
        for (message, _), put in zip(good, results, strict=True):
            if isinstance(put, Reason):
                result.refused.append((message, MessageRefused(put, "an older generation")))

    def _take_contributions(
        self,
        messages: Sequence[AreaMessage],
        at: datetime,
        result: HandlerResult,
        acks: dict[str, _Ack],
    ) -> None:
        keys = {
            verified.body.household_key
            for verified in messages
            if isinstance(verified.body, Contribution)
        }
        generations = self._area.generations(keys)
        today = day_number(legal_day(at))
        good: list[tuple[AreaMessage, ContributionItem]] = []
        for verified in messages:
            if not isinstance(verified.body, Contribution):
                continue
            if verified.refused and verified.refused.reason is not Reason.BOUNDS:
                result.refused.append((verified.message, verified.refused))
                continue
            ack = acks.setdefault(verified.device.device, _Ack(verified.device))
            try:
                if verified.refused:
                    raise verified.refused
                self._check(verified.body, verified.device, today, generations)
            except MessageRefused as exc:
                result.refused.append((verified.message, exc))
                if not isinstance(exc, _NotYet):
                    ack.refused[verified.body.day] = exc.reason
            else:
                item = ContributionItem(
                    verified.device.device, verified.body, verified.message.payload
                )
                good.append((verified, item))
        results = self._area.put_contributions([item for _, item in good], at)
        for (verified, item), put in zip(good, results, strict=True):
            ack, day = acks[item.device], item.contribution.day
            if isinstance(put, Reason):
                result.refused.append((verified.message, MessageRefused(put)))
                ack.refused[day] = put
            else:
                ack.stored.add(day)
                ack.are_terms_old |= self._documents.has_newer(item.contribution)
        result.stored[Kind.AREA] = results.count(Put.STORED)
        result.again = results.count(Put.AGAIN)

    def _check_letters(self, letters: SeedLetters) -> None:
        trustees = self._documents.trustees.get(letters.trustees)
        if trustees is None:
            raise MessageRefused(Reason.DOCUMENT, "letters to no known set of trustees")
        shape = trustees.shape
        counts = (len(letters.letters), len(letters.commitments))
        if counts != (shape.trustees, len(shape.seed_sets)):
            raise MessageRefused(Reason.BOUNDS, "letters and commitments do not fit the trustees")

    def _check(
        self,
        contribution: Contribution,
        device: Device,
        today: int,
        generations: dict[bytes, int],
    ) -> None:
        measures = self._documents.measures.get(contribution.measures)
        if measures is None:
            raise MessageRefused(Reason.DOCUMENT, "no known measures")
        if not self._documents.accepts(contribution.measures, contribution.day):
            raise MessageRefused(Reason.DOCUMENT, "these measures do not hold on that day")
        if contribution.day > today:
            raise MessageRefused(Reason.BOUNDS, "a day that has not come")
        if not measures.is_counted(contribution.day):
            raise MessageRefused(Reason.BOUNDS, "a day that does not count")
        entry = self._entry(contribution, device)
        for part in contribution.parts:
            self._check_part(contribution, measures, part, entry)
        if contribution.generation > generations.get(contribution.household_key, 0):
            raise _NotYet(Reason.SEEDS, "seeds that have not come")

    def _entry(self, contribution: Contribution, device: Device) -> RosterEntry:
        """Return the roster entry that a contribution refers to."""
        roster = self._documents.roster
        if contribution.entry >= len(roster):
            raise _NotYet(Reason.ROSTER, "a roster entry that is not here")
        membership = roster.membership(contribution.household_key, contribution.day)
        if membership is None:
            raise MessageRefused(Reason.ROSTER, "stands nowhere on that day")
        entry = membership.entry
        if entry.number != contribution.entry:
            raise MessageRefused(Reason.ROSTER, "another entry holds on that day")
        if entry.device != device.device or entry.signing_key != device.signing_key:
            raise MessageRefused(Reason.ROSTER, "the entry names another device")
        return entry

    def _check_part(
        self, contribution: Contribution, measures: Measures, part: Part, entry: RosterEntry
    ) -> None:
        try:
            measure = measures.measure(part.measure)
        except DocumentRefused as exc:
            raise MessageRefused(Reason.PARTITION, "no such measure") from exc
        group = self._documents.group(
            contribution.measures, measure, entry.cell or "", entry.provider
        )
        if group is None or group.code != part.group:
            raise MessageRefused(Reason.PARTITION, "the household is in another group")
        if len(part.words) != (group.slots + 1) * SLOT_BYTES:
            raise MessageRefused(Reason.BOUNDS, "slots do not fit the group")
        if not measures.share_of(measure, contribution.day):
            raise MessageRefused(Reason.BOUNDS, f"a day on which no {measure.kind} counts")

    def _answers(self, acks: Sequence[_Ack], at: datetime) -> Iterator[Outgoing]:
        for ack in acks:
            yield self._ack(ack)
            if ack.are_terms_old:
                device = ack.device
                terms = self._documents.terms(device.household_key, at)
                yield self._signer.sign(device.device, Kind.TERMS, terms, device.version)

    def _ack(self, ack: _Ack) -> Outgoing:
        # A stored day stays stored, even if another version of that day conflicts with it.
        refused = {day: why for day, why in ack.refused.items() if day not in ack.stored}
        body = AreaAck(
            ack.device.household_key, tuple(sorted(ack.stored)), tuple(sorted(refused.items()))
        )
        return self._signer.sign(ack.device.device, Kind.AREA_ACK, body, ack.device.version)
