"""The area lane of a chip: receives documents, sends one contribution a day. No threads or sockets.

`contribute` runs inside the transaction that closes a day and is the only place that draws noise. A
contribution is sent until the cloud reports that it is stored or refused, or until its deadline
passes by the meter's clock. Then it is deleted unsent, and its cost stays spent.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from edge.area.pricing import NOT_PRICED, priced
from edge.area.seeds import SeedKeeper
from edge.area.settings import AreaChoices, AreaConfig
from edge.area.terms import DocumentFetcher
from edge.area.trust import TrustState, trust_state
from edge.contracts.agreement import Agreement
from edge.identity.platform_keys import successors_of
from edge.metering.events import DayClosed
from edge.mqtt.handler import HandlerContext, InboundMessage, MessageHandler
from edge.mqtt.message import Publish, Published
from edge.mqtt.retry import RESEND
from edge.privacy.contribution import ContributionInputs, CostedContribution, DayValues, contribute
from edge.privacy.ledger import Limit
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

# How often the lane checks for new choices of the household and for missing seeds.
LOOK_S = 1.0
_SEED_FAULTS = frozenset({Reason.SEEDS, Reason.CHECK_SLOT})
# The chip's documents or roster entry are not the cloud's.
_TERMS_FAULTS = {Reason.DOCUMENT, Reason.ROSTER, Reason.PARTITION}
# A stored day stays stored, even if another message about it was refused for these.
_OF_OTHERS = frozenset({Reason.CONFLICT, Reason.LATE})


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AreaOptions:
    """Options of the area lane.

    Attributes:
        choices: returns the household's present choices.
        config: the chip's configuration.
        agreement: the household's contract, which prices a day.
        sampler: the source of noise.
        send_window_s: each contribution leaves after a random delay below this.
        figures: the file that keeps the neighbourhood's latest curves, None: none does.
    """

    choices: Callable[[], AreaChoices]
    config: AreaConfig
    agreement: Agreement | None = None
    sampler: Sampler = draw_noise
    send_window_s: float = 0.0
    figures: Path | None = None


@dataclass(slots=True)
class _Contribution(RetryTimer):
    """A contribution that the cloud has not stored yet; it is useless after `deadline_s`."""

    deadline_s: float = 0.0


class AreaLane(MessageHandler):
    """One chip's area lane over its vault; `is_session_resumed`: the broker kept the last session."""

    kinds = frozenset({Kind.AREA_ACK, Kind.TERMS, Kind.DOCUMENT})

    def __init__(
        self,
        context: HandlerContext,
        listed: Catalogue,
        options: AreaOptions,
    ) -> None:
        """Contribute closed days; the calendars and series in `listed` price a curve."""
        self._signer, self._platform_key = context.signer, context.platform_key
        self._vault, self._clock = context.vault, context.clock
        self._listed = listed
        self._options = options
        self._rng = random.SystemRandom()
        self._fetcher = DocumentFetcher(context.signer, context.vault, context.platform_key)
        self._seeds = SeedKeeper(context)
        self._choices = AreaChoices(is_on=False)
        self._trust = TrustState()
        self._meter_at: datetime | None = None
        self._is_connected = False
        self.is_session_resumed = False
        self._look_s = 0.0
        self._flights: dict[int, _Contribution] = {}

    @property
    def trust(self) -> TrustState:
        """The documents that the chip trusts."""
        return self._trust

    @property
    def is_enabled(self) -> bool:
        """Whether the configuration allows an area lane at all."""
        return self._options.config.enabled

    @property
    def is_on(self) -> bool:
        """Whether days are contributed: the household wants it and has confirmed trustees."""
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
        if self._trust.entry_on(self.today()) is not None:
            self._fetcher.open(self.today(), self._clock.monotonic_s())
        self._flights = {
            day: _Contribution(self._clock.monotonic_s(), deadline_s=deadline_s)
            for day, deadline_s in self._vault.area.unsent()
        }

    def today(self) -> int:
        """Return the number of the day by the meter's clock, or the machine's before it is known."""
        return day_number(legal_day(self._now()))

    def observe(self, meter_at: datetime) -> None:
        """Record the meter's time, and delete contributions whose deadline has passed."""
        self._meter_at = meter_at
        self._expire()

    def connect(self) -> None:
        """See `MessageHandler.connect`."""
        self._is_connected = True
        self._seeds.connect(is_resumed=self.is_session_resumed)
        self._fetcher.connect()
        now_s = self._clock.monotonic_s()
        for flight in self._flights.values():
            flight.restart(now_s)

    def disconnect(self) -> None:
        """See `MessageHandler.disconnect`."""
        self._is_connected = False
        self._seeds.disconnect()

    def topics(self) -> frozenset[str]:
        """Return the topics to subscribe to beside the chip's own: sealing keys that are wanted."""
        return self._seeds.topics()

    def take_sealing_key(self, topic: str, payload: bytes) -> bool:
        """Take a message if it is about a trustee's sealing key; return whether it is.

        Raises:
            MessageRefused: the trustee did not sign it, or it is of another month.
        """
        is_taken = self._seeds.take_sealing_key(topic, payload)
        if is_taken:
            self._look_s = 0.0
        return is_taken

    def published(self, event: Published) -> None:
        """See `MessageHandler.published`."""
        self._seeds.published(event.publish)

    def outgoing(self, now_s: float) -> list[Publish]:
        """See `MessageHandler.outgoing`."""
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
        shares = self._seeds.outgoing() if self.is_on else []
        return out + shares + self._contributions(now_s)

    def take(self, message: InboundMessage) -> None:
        """Process a message of the lane.

        Raises:
            MessageRefused: the message is invalid; nothing of it was kept.
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
            if self._fetcher.take_part(part, self._trust, self.today()):
                self._trust = self._trust_state()
                self._take_entry()

    def contribute(self, closed: DayClosed, curve: Sequence[QuarterHour]) -> ContributionRow | None:
        """Make the contribution of a closing day, inside the transaction that closes it.

        Returns None if the day does not take part; it is not considered again.
        """
        day = day_number(closed.day)
        inputs = self._inputs(day)
        if inputs is None or not is_whole(closed, curve):
            return None
        deadline = day_end(closed.day) + timedelta(hours=inputs.measures.deadline_h)
        if (self._meter_at or self._clock.now()) >= deadline:
            return None
        costed = self._make(closed, curve, inputs)
        if costed is None:
            return None
        payload = self._signer.seal(Kind.AREA, costed.contribution)
        due_s = self._clock.monotonic_s() + self._rng.uniform(0, self._options.send_window_s)
        deadline_s = int(deadline.timestamp())
        self._flights[day] = _Contribution(due_s, deadline_s=deadline_s)
        return ContributionRow(day, deadline_s, payload, costed.spends)

    def _make(
        self, closed: DayClosed, curve: Sequence[QuarterHour], inputs: ContributionInputs
    ) -> CostedContribution | None:
        day = day_number(closed.day)
        ledger = self._vault.area.ledger(day)
        caps = self._choices.caps(self._options.config)
        try:
            outcome = contribute(
                self._values(closed, curve), inputs, ledger, caps, sampler=self._options.sampler
            )
        except CipherError as exc:  # billing continues
            log.error("area_day_failed", why=str(exc))  # noqa: TRY400 - dealt with
            return None
        if isinstance(outcome, Limit):
            log.info("area_day_left_out", reason=outcome)
            return None
        return outcome

    def _values(self, closed: DayClosed, curve: Sequence[QuarterHour]) -> DayValues:
        energies, cost_cents = NOT_PRICED
        curve_wh = [quarter_hour.energy_wh for quarter_hour in curve]
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

    def _inputs(self, day: int) -> ContributionInputs | None:
        if not self.is_on:
            return None
        in_force, entry = self._trust.measures_on(day), self._trust.entry_on(day)
        if in_force is None or entry is None or not self._is_provider_right(entry.provider):
            return None
        seeds = self._seeds.seeds_for(self._trust, in_force, day)
        if seeds is None or self._trust.transforms_wanted(in_force):
            return None
        return ContributionInputs(
            in_force.measures, in_force.hash, self._trust.transforms, entry, seeds
        )

    def _is_provider_right(self, provider: str) -> bool:
        return self._options.config.provider in ("", provider)

    # Documents and seeds.

    def _trust_state(self) -> TrustState:
        confirmed = bytes.fromhex(self._choices.trustees) or None
        area = self._vault.area
        return trust_state(
            area.documents(),
            area.entries(),
            confirmed,
            self._signer,
            successors_of(self._platform_key),
        )

    def _check_own(self, household_key: bytes) -> None:
        if household_key != self._signer.household.id:
            raise MessageRefused(Reason.TOPIC, "another household's")

    def _take_entry(self) -> None:
        if self._fetcher.take_entry(self._trust):
            self._trust = self._trust_state()

    def _look(self) -> None:
        """Apply new choices of the household, and draw seeds where they are needed."""
        choices = self._options.choices()
        if choices != self._choices:
            has_confirmed = choices.trustees != self._choices.trustees
            self._choices = choices
            if has_confirmed:
                self._trust = self._trust_state()
                self._fetcher.set_confirmed()
        if self._meter_at is not None:
            self._seeds.forget(self._trust, self._meter_at)
        if not self.is_on:
            self._drop(list(self._flights), "switched_off")
            return
        today = self.today()
        in_force = self._trust.measures_on(today)
        if in_force is not None and self._trust.entry_on(today) is not None:
            self._seeds.need(self._trust, in_force, self._now())

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
        if not stored and not ack.refused and not ack.lacks_seeds:
            return
        with self._vault.area_change() as area:
            for day in stored:
                area.finish(day, AreaState.STORED)
            for day, reason in refused:
                area.finish(day, AreaState.REFUSED, reason)
            left_out = [reason for day, reason in later if area.leave_out(day, reason)]
        for day in (*stored, *(day for day, _ in refused)):
            self._flights.pop(day, None)
        if stored:
            self._fetcher.contribution_stored(self._clock.monotonic_s())
        for reason in (*(reason for _, reason in refused), *left_out):
            log.warning("area_day_refused", reason=reason)
            if reason in _TERMS_FAULTS:
                self._fetcher.ask_terms()
        in_force = self._trust.measures_on(self.today())
        may_lack = ack.lacks_seeds or not _SEED_FAULTS.isdisjoint(left_out)
        if in_force is not None and (
            any(reason is Reason.SEEDS for _, reason in refused)
            or (may_lack and self._seeds.are_old(in_force))
        ):
            self._seeds.want_anew()
            self._look_s = 0.0

    def _expire(self) -> None:
        if self._meter_at is not None:
            now_s = self._meter_at.timestamp()
            late = [day for day, flight in self._flights.items() if flight.deadline_s <= now_s]
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

    def _now(self) -> datetime:
        return self._meter_at or self._clock.now()

    def _topic(self, kind: Kind) -> str:
        return device_topic(self._signer.collectivity, self._signer.device, kind)


def is_whole(closed: DayClosed, curve: Sequence[QuarterHour]) -> bool:
    """Return whether a day was metered completely: no quarter-hour is missing or estimated."""
    whole = list(range(quarter_hours(closed.day)))
    return (
        closed.is_index_read
        and [quarter_hour.j for quarter_hour in curve] == whole
        and not any(quarter_hour.is_estimated for quarter_hour in curve)
    )
