"""The area lane of a chip: documents in, one contribution a day out; no threads, no sockets.

`contribute` runs inside the transaction that closes a day and is the one place where noise is
drawn. What was drawn is sent until the cloud says that it is stored or refused, or until its
deadline has passed by the meter's clock: then it is deleted unsent, and what it cost stays spent.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from edge.area.pricing import NOT_PRICED, priced
from edge.area.seeds import draw_letters, next_generation
from edge.area.settings import AreaChoices, AreaConfig
from edge.area.terms import DocumentFetcher
from edge.area.trust import TrustedMeasures, TrustState, trust_state
from edge.contracts.agreement import Agreement
from edge.metering.events import DayClosed
from edge.mqtt.handler import HandlerContext, InboundMessage, MessageHandler
from edge.mqtt.message import Publish
from edge.mqtt.retry import RESEND
from edge.privacy.contribution import ContributionInputs, CostedContribution, DayValues, contribute
from edge.privacy.ledger import Ledger, Limit, oldest_needed
from edge.privacy.noise import Sampler, draw_noise
from edge.vault.area import AreaState, ContributionRow
from edge.vault.rows import QuarterHour
from protocol.area_messages import AreaAck, AreaQuestion, Document, Terms
from protocol.backoff import RetryTimer
from protocol.calendar import day_end, day_number, legal_day, quarter_hours
from protocol.catalogue import Catalogue
from protocol.envelope import open_message
from protocol.errors import CipherError, MessageRefused, Reason
from protocol.topics import Kind, device_topic

# How often the lane looks whether the household has changed its mind, and whether it needs seeds.
LOOK_S = 1.0
# Seeds are drawn anew at most so often for a contribution that was stored and did not open.
SEEDS_AGE_S = 30 * 86_400
_SEED_FAULTS = frozenset({Reason.SEEDS, Reason.CHECK_SLOT})
# What is stored stays so, whatever became of another message about its day.
_OF_OTHERS = frozenset({Reason.CONFLICT, Reason.LATE})


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AreaOptions:
    """What the lane is given.

    Attributes:
        choices: what the household has chosen, as it stands now.
        config: what was configured.
        agreement: the household's contract, by which a day is priced.
        sampler: where noise comes from.
        send_window_s: a contribution goes out after a random part of this.
    """

    choices: Callable[[], AreaChoices]
    config: AreaConfig
    agreement: Agreement | None = None
    sampler: Sampler = draw_noise
    send_window_s: float = 0.0


@dataclass(slots=True)
class _Contribution(RetryTimer):
    """A contribution that is still to be stored, of use until `deadline_s`."""

    deadline_s: float = 0.0


class AreaLane(MessageHandler):
    """One chip's area lane over its vault."""

    kinds = frozenset({Kind.AREA_ACK, Kind.TERMS, Kind.DOCUMENT})

    def __init__(
        self,
        context: HandlerContext,
        listed: Catalogue,
        options: AreaOptions,
    ) -> None:
        """Contribute what the vault closes; a curve is priced by the calendars and series `listed`."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._vault, self._clock = context.vault, context.clock
        self._listed = listed
        self._options = options
        self._rng = random.SystemRandom()
        self._fetcher = DocumentFetcher(
            context.signer, context.vault, context.platform_key.public_bytes_raw()
        )
        self._choices = AreaChoices(is_on=False)
        self._trust = TrustState()
        self._meter_at: datetime | None = None
        self._is_connected = False
        self._published_generation = 0
        self._look_s = 0.0
        self._flights: dict[int, _Contribution] = {}

    @property
    def trust(self) -> TrustState:
        """What the chip knows and trusts."""
        return self._trust

    @property
    def is_on(self) -> bool:
        """Whether days are contributed: wanted, and trustees are confirmed."""
        is_wanted = self._options.config.enabled and self._choices.is_on
        return is_wanted and bool(self._trust.sets)

    @property
    def is_drained(self) -> bool:
        """Whether there is no contribution left to send."""
        return not self._flights

    def open(self) -> None:
        """See `MessageHandler.open`."""
        self._choices = self._options.choices()
        self._trust = self._trust_state()
        self._flights = {
            day: _Contribution(self._clock.monotonic_s(), deadline_s=deadline_s)
            for day, deadline_s in self._vault.area.unsent()
        }

    def observe(self, meter_at: datetime) -> None:
        """Take note of the meter's clock; what has missed its deadline by it is deleted."""
        self._meter_at = meter_at
        self._expire()

    def connect(self) -> None:
        """Take note of a new session."""
        self._is_connected = True
        self._published_generation = 0
        self._fetcher.connect()
        now_s = self._clock.monotonic_s()
        for flight in self._flights.values():
            flight.restart(now_s)

    def disconnect(self) -> None:
        """Take note that nothing can be sent."""
        self._is_connected = False

    def outgoing(self, now_s: float) -> list[Publish]:
        """Return what is to be published now."""
        if now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            self._look()
        if not self._is_connected or not self._options.config.enabled:
            return []
        question = self._fetcher.question(self._trust, now_s)
        out = []
        if question is not None:
            ask = AreaQuestion(self._signer.household.id, question[0])
            out.append(Publish(self._topic(Kind.ASK), self._signer.seal(Kind.ASK, ask)))
        return out + self._letters() + self._contributions(now_s)

    def take(self, message: InboundMessage) -> None:
        """Take a message of the lane's.

        Raises:
            MessageRefused: it is not what it should be; nothing of it was kept.
        """
        address, payload = message.address, message.payload
        key, now_s = self._platform_key, self._clock.monotonic_s()
        if address.kind is Kind.AREA_ACK:
            ack = open_message(address, payload, key, AreaAck)
            self._check_own(ack.household_key)
            self._take_ack(ack)
        elif address.kind is Kind.TERMS:
            terms = open_message(address, payload, key, Terms)
            self._check_own(terms.household_key)
            self._fetcher.take_terms(terms, now_s)
            self._take_entry()
        else:
            part = open_message(address, payload, key, Document)
            self._check_own(part.household_key)
            if self._fetcher.take_part(part, self._trust, self._today()):
                self._trust = self._trust_state()
                self._take_entry()

    def contribute(self, closed: DayClosed, curve: Sequence[QuarterHour]) -> ContributionRow | None:
        """Make the contribution of a day that closes, for the transaction that closes it.

        None: the day has no part in the area lane, and is not looked at again.
        """
        day = day_number(closed.day)
        grounds = self._grounds(day)
        if grounds is None or not is_whole(closed, curve):
            return None
        deadline = day_end(closed.day) + timedelta(hours=grounds.measures.deadline_h)
        if (self._meter_at or self._clock.now()) >= deadline:
            return None
        made = self._make(closed, curve, grounds)
        if made is None:
            return None
        payload = self._signer.seal(Kind.AREA, made.contribution)
        due_s = self._clock.monotonic_s() + self._rng.uniform(0, self._options.send_window_s)
        deadline_s = int(deadline.timestamp())
        self._flights[day] = _Contribution(due_s, deadline_s=deadline_s)
        return ContributionRow(day, deadline_s, payload, made.spends)

    def _make(
        self, closed: DayClosed, curve: Sequence[QuarterHour], grounds: ContributionInputs
    ) -> CostedContribution | None:
        day = day_number(closed.day)
        ledger = Ledger(self._vault.area.spends(oldest_needed(day)))
        caps = self._choices.caps(self._options.config)
        try:
            made = contribute(
                self._values(closed, curve), grounds, ledger, caps, sampler=self._options.sampler
            )
        except CipherError as exc:  # bills go on
            log.error("area_day_failed", why=str(exc))  # noqa: TRY400 - dealt with
            return None
        if isinstance(made, Limit):
            log.info("area_day_left_out", reason=made)
            return None
        return made

    def _values(self, closed: DayClosed, curve: Sequence[QuarterHour]) -> DayValues:
        energies, cost_cents = NOT_PRICED
        curve_wh = [each.energy_wh for each in curve]
        agreement = self._options.agreement
        if agreement is not None:
            contract = agreement.contract
            if contract.start <= closed.day and (contract.end is None or closed.day < contract.end):
                schedules = self._listed.schedules()
                energies, cost_cents = priced(closed, agreement.offer.tariffs, curve_wh, schedules)
        return DayValues(
            day=closed.day,
            energies_wh=curve_wh,
            injected_wh=closed.injected_wh,
            priced_wh=energies,
            cost_cents=cost_cents,
            profile=self._choices.profile,
        )

    def _grounds(self, day: int) -> ContributionInputs | None:
        if not self.is_on:
            return None
        held, entry = self._trust.measures_on(day), self._trust.entry_on(day)
        if held is None or entry is None or not self._is_provider_right(entry.provider):
            return None
        letters = self._vault.area.key_shares(held.measures.trustees)
        if letters is None or self._trust.transforms_wanted(held):
            return None
        return ContributionInputs(
            held.measures, held.hash, self._trust.transforms, entry, letters.seeds
        )

    def _is_provider_right(self, provider: str) -> bool:
        return self._options.config.provider in ("", provider)

    # Documents and seeds.

    def _trust_state(self) -> TrustState:
        confirmed = bytes.fromhex(self._choices.trustees) or None
        area = self._vault.area
        return trust_state(area.documents(), area.entries(), confirmed, self._signer)

    def _check_own(self, household_key: bytes) -> None:
        if household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")

    def _take_entry(self) -> None:
        if self._fetcher.take_entry(self._trust):
            self._trust = self._trust_state()

    def _look(self) -> None:
        """See whether the household has chosen otherwise, and draw seeds where they are needed."""
        choices = self._options.choices()
        if choices != self._choices:
            has_confirmed = choices.trustees != self._choices.trustees
            self._choices = choices
            if has_confirmed:
                self._trust = self._trust_state()
                self._fetcher.connect()
        if not self.is_on:
            self._drop(list(self._flights), "switched_off")
            return
        today = self._today()
        held = self._trust.measures_on(today)
        if held is not None and self._trust.entry_on(today) is not None:
            self._need_seeds(held)

    def _need_seeds(self, held: TrustedMeasures, *, is_anew: bool = False) -> None:
        """Draw seeds for the set of trustees of the measures in force, unless there are some."""
        of_set = self._trust.set_of(held.measures.trustees)
        if of_set is None or (self._vault.area.key_shares(of_set.hash) and not is_anew):
            return
        latest = self._vault.area.key_shares()
        generation = next_generation(
            0 if latest is None else latest.seeds.generation, self._clock.now()
        )
        letters = draw_letters(self._signer, of_set.trustees, of_set.hash, generation)
        with self._vault.area_change() as area:
            area.put_key_shares(letters)
        log.info("area_seeds_drawn", generation=generation)

    def _letters(self) -> list[Publish]:
        """Return the latest seeds' message, once a session."""
        if not self.is_on:
            return []
        letters = self._vault.area.key_shares()
        if letters is None or letters.seeds.generation == self._published_generation:
            return []
        self._published_generation = letters.seeds.generation
        if not letters.payload or self._vault.departures.get() is not None:
            return []  # a former chip's, or of a household that has left
        return [Publish(self._topic(Kind.KEY), letters.payload, retain=True)]

    # Contributions.

    def _contributions(self, now_s: float) -> list[Publish]:
        out = []
        for day, flight in list(self._flights.items()):
            if flight.due_s > now_s:
                continue
            payload = self._vault.area.payload(day)
            if payload is None:
                del self._flights[day]
                continue
            flight.sent(now_s, RESEND)
            out.append(Publish(self._topic(Kind.AREA), payload))
        return out

    def _take_ack(self, ack: AreaAck) -> None:
        refused = [(day, reason) for day, reason in ack.refused if day in self._flights]
        later = [
            (day, reason)
            for day, reason in ack.refused
            if day not in self._flights and reason not in _OF_OTHERS
        ]
        stored = [day for day in ack.stored if day in self._flights]
        if not stored and not ack.refused:
            return
        with self._vault.area_change() as area:
            for day in stored:
                area.finish(day, AreaState.STORED)
            for day, reason in refused:
                area.finish(day, AreaState.REFUSED, reason)
            left_out = [reason for day, reason in later if area.leave_out(day, reason)]
        for day in (*stored, *(day for day, _ in refused)):
            self._flights.pop(day, None)
        for reason in (*(reason for _, reason in refused), *left_out):
            log.warning("area_day_refused", reason=reason)
        held = self._trust.measures_on(self._today())
        if held is not None and (
            any(reason is Reason.SEEDS for _, reason in refused)
            or (_SEED_FAULTS.intersection(left_out) and self._has_old_seeds(held))
        ):
            self._need_seeds(held, is_anew=True)

    def _has_old_seeds(self, held: TrustedMeasures) -> bool:
        """Say whether the seeds had a month to reach every trustee: each new draw must, too."""
        letters = self._vault.area.key_shares(held.measures.trustees)
        return letters is not None and (
            next_generation(0, self._clock.now()) - letters.seeds.generation >= SEEDS_AGE_S
        )

    def _expire(self) -> None:
        if self._meter_at is not None:
            now_s = self._meter_at.timestamp()
            late = [day for day, each in self._flights.items() if each.deadline_s <= now_s]
            self._drop(late, Reason.LATE)

    def _drop(self, days: list[int], reason: str) -> None:
        if not days:
            return
        with self._vault.area_change() as area:
            for day in days:
                area.finish(day, AreaState.MISSED, reason)
        for day in days:
            del self._flights[day]
        log.info("area_days_deleted_unsent", days=len(days), reason=reason)

    def _today(self) -> int:
        return day_number(legal_day(self._meter_at or self._clock.now()))

    def _topic(self, kind: Kind) -> str:
        return device_topic(self._signer.collectivity, self._signer.device, kind)


def is_whole(closed: DayClosed, curve: Sequence[QuarterHour]) -> bool:
    """Say whether a day was metered from end to end: no quarter-hour missing or estimated."""
    whole = list(range(quarter_hours(closed.day)))
    return (
        closed.is_index_read
        and [each.j for each in curve] == whole
        and not any(each.is_estimated for each in curve)
    )
