"""Contributions and seed letters: checked against documents and roster, stored, acknowledged.

What may fit tomorrow is not refused to the chip, which sends it again until the day is over: seeds
that have not come yet, a roster entry that a store put back from a backup does not have yet.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.governance.current import AreaDocuments
from cloud.ingest.downlink import DownlinkSigner
from cloud.store import Device, Put
from cloud.store.area import AreaStore, ContributionItem, LettersItem
from protocol.area_cipher import SLOT_BYTES
from protocol.area_messages import AreaAck, Contribution, Part, SeedLetters
from protocol.calendar import day_number, legal_day
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.measures import MeasureKind, Measures
from protocol.roster import RosterEntry
from protocol.topics import Kind
from system.mqtt.message import Incoming, Outgoing


class AreaMessage(msgspec.Struct, frozen=True):
    """A verified message of the area lane; `refused` where its body broke a bound already."""

    message: Incoming
    device: Device
    body: Contribution | SeedLetters
    refused: MessageRefused | None = None


class _NotYet(MessageRefused):
    """Refused now, and not told to the chip: it may fit later."""


@dataclass(slots=True)
class _Ack:
    """What one device is told."""

    device: Device
    stored: set[int] = field(default_factory=set)
    refused: dict[int, Reason] = field(default_factory=dict)


@dataclass(slots=True)
class IngestResult:
    """What a batch of the area lane came to; `refused` are to be dead-lettered."""

    outgoing: tuple[Outgoing, ...] = ()
    refused: list[tuple[Incoming, MessageRefused]] = field(default_factory=list)
    stored: int = 0
    again: int = 0

    @property
    def refused_contributions(self) -> Counter[Reason]:
        """Count the contributions that were refused; letters have another kind of topic."""
        suffix = f"/{Kind.AREA}"
        return Counter(why.reason for each, why in self.refused if each.topic.endswith(suffix))


class AreaIngest:
    """The area lane's way through the cloud."""

    def __init__(
        self,
        area: AreaStore,
        documents: AreaDocuments,
        collectivity: str,
        platform_key: Ed25519PrivateKey,
    ) -> None:
        self._area = area
        self._documents = documents
        self._speaker = DownlinkSigner(collectivity, platform_key)

    def take(self, messages: Sequence[AreaMessage], at: datetime) -> IngestResult:
        """Store what is good, letters first; what to send and to dead-letter comes back."""
        taken = IngestResult()
        if not messages:
            return taken
        self._documents.refresh()
        self._take_letters(messages, taken)
        acks: dict[str, _Ack] = {}
        self._take_contributions(messages, at, taken, acks)
        taken.outgoing = tuple(self._ack(ack) for ack in acks.values() if ack.stored or ack.refused)
        return taken

    def _take_letters(self, messages: Sequence[AreaMessage], taken: IngestResult) -> None:
        good: list[tuple[Incoming, LettersItem]] = []
        for each in messages:
            if isinstance(each.body, SeedLetters):
                try:
                    self._check_letters(each.body)
                except MessageRefused as exc:
                    taken.refused.append((each.message, exc))
                else:
                    item = LettersItem(each.device.device, each.body, each.message.payload)
                    good.append((each.message, item))
        results = self._area.put_all_letters([item for _, item in good])
        for (message, _), result in zip(good, results, strict=True):
            if isinstance(result, Reason):
                taken.refused.append((message, MessageRefused(result, "an older generation")))

    def _take_contributions(
        self,
        messages: Sequence[AreaMessage],
        at: datetime,
        taken: IngestResult,
        acks: dict[str, _Ack],
    ) -> None:
        keys = {e.body.household_key for e in messages if isinstance(e.body, Contribution)}
        generations = self._area.generations(keys)
        today = day_number(legal_day(at))
        good: list[tuple[AreaMessage, ContributionItem]] = []
        for each in messages:
            if not isinstance(each.body, Contribution):
                continue
            ack = acks.setdefault(each.device.device, _Ack(each.device))
            try:
                if each.refused:
                    raise each.refused
                self._check(each.body, each.device, today, generations)
            except MessageRefused as exc:
                taken.refused.append((each.message, exc))
                if not isinstance(exc, _NotYet):
                    ack.refused[each.body.day] = exc.reason
            else:
                item = ContributionItem(each.device.device, each.body, each.message.payload)
                good.append((each, item))
        results = self._area.put_contributions([item for _, item in good], at)
        for (each, item), result in zip(good, results, strict=True):
            ack, day = acks[item.device], item.contribution.day
            if isinstance(result, Reason):
                taken.refused.append((each.message, MessageRefused(result)))
                ack.refused[day] = result
            else:
                ack.stored.add(day)
        taken.stored = results.count(Put.STORED)
        taken.again = results.count(Put.AGAIN)

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
        if not self._documents.holds(contribution.measures, contribution.day):
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
        """Return the roster entry on which a contribution rests."""
        roster = self._documents.roster
        if contribution.entry >= len(roster):
            raise _NotYet(Reason.ROSTER, "a roster entry that is not here")
        standing = roster.standing(contribution.household_key, contribution.day)
        if standing is None:
            raise MessageRefused(Reason.ROSTER, "stands nowhere on that day")
        entry = standing.entry
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
        is_profile = measure.kind is MeasureKind.PROFILE
        if is_profile and not measures.is_profile_counted(contribution.day):
            raise MessageRefused(Reason.BOUNDS, "a day on which no profile counts")

    def _ack(self, ack: _Ack) -> Outgoing:
        # What is kept is kept: another version of that day which conflicts does not undo it.
        refused = {day: why for day, why in ack.refused.items() if day not in ack.stored}
        body = AreaAck(
            ack.device.household_key, tuple(sorted(ack.stored)), tuple(sorted(refused.items()))
        )
        return self._speaker.tell(ack.device.device, Kind.AREA_ACK, body)
