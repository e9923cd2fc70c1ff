"""The chip's core: takes frames and messages, returns messages; no threads, sockets or waiting.

Everything that lasts is in the vault. After a start the chip asks what the cloud holds. Until it
knows, it keeps values in the clear only. Then it fetches back what it lacks, encrypts what waited,
and continues quarter-hour by quarter-hour.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

import structlog

from edge.area.neighbourhood import Neighbourhood
from edge.chip.handlers import open_handlers
from edge.chip.restoring import is_unknown, restore_for
from edge.chip.settings import ChipSettings
from edge.contracts.watch import ContractWatch, is_named
from edge.identity.enrolment import Identity
from edge.metering.events import DayClosed, Event, Notice, NoticeKind
from edge.metering.meter import Meter
from edge.metering.reading import read
from edge.metering.restore import RestorePoint
from edge.metering.state import Account, MeterState
from edge.mqtt.handler import InboundMessage
from edge.mqtt.message import (
    Arrived,
    Connected,
    Disconnected,
    LinkEvent,
    Publish,
    Published,
    PublishRefused,
)
from edge.mqtt.outbox import Outbox
from edge.mqtt.recovery import Recovery, fetch, missing_here
from edge.status.limit import LimitWatch
from edge.status.line import LineWatch
from edge.status.live import LiveValues, seen_in
from edge.status.reporter import StatusCounts, StatusReporter
from edge.tic.consistency import ConsistencyCheck
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame
from edge.vault.area import ContributionRow
from edge.vault.rows import Key, QuarterHour
from edge.vault.vault import UNUSABLE, Vault
from protocol.calendar import legal_day, month_of
from protocol.envelope import Address, open_message
from protocol.errors import MessageRefused, Reason, StoreError
from protocol.messages import TAG_BYTES, Ack, Fetch, IncarnationState
from protocol.topics import DeviceTopic, Kind, device_topic, kind_of, parse_device_topic
from system.clock import Clock, HostTime
from system.conditions import Condition, Repeated

log = structlog.get_logger()


class Chip:
    """One chip. `feed` and `take` never block; `outgoing` returns the messages to publish.

    Any of them raises StoreError when the vault cannot continue: end the process.

    Attributes:
        refused: the number of messages refused since the start, by reason.
        live: the latest values on the line.
        frame: the latest frame on the line, without what earlier ones contradict.
    """

    def __init__(
        self,
        identity: Identity,
        vault: Vault,
        clock: Clock,
        settings: ChipSettings | None = None,
    ) -> None:
        """Continue with what `vault` holds."""
        self._identity = identity
        self._vault = vault
        self._clock = clock
        self._settings = settings or ChipSettings()
        self.refused = Counter[Reason]()
        self.live = LiveValues()
        self.frame: Frame | None = None
        self._rng = random.SystemRandom()
        self._signer = vault.signer
        self._decoder = Decoder()
        self._consistency = ConsistencyCheck()
        self._line = LineWatch(self._decoder)
        self._outbox = Outbox(vault, self._settings.outbox)
        self._repeated = Repeated(clock.monotonic_s)
        self._unsubscribed = Condition(clock.monotonic_s)
        self._recovery: Recovery | None = None
        self._meter: Meter | None = None
        self._restore_point: RestorePoint | None = None
        self._given_up: set[tuple[bytes, int]] = set()
        self._status = StatusReporter(
            self._topic(Kind.STATUS), clock, self._line, self._settings.status, self._rng
        )
        handlers = open_handlers(identity, self._signer, vault, clock, self._settings)
        self.area, self.moving, self.catalogue = handlers.area, handlers.moving, handlers.catalogue
        self.hub, self.renewal = handlers.hub, handlers.renewal
        self._handlers, self._message_handlers = handlers, handlers.message_handlers
        notices = vault.values.notices()
        self._contracts = ContractWatch(handlers.contracts, notices)
        self._limit = LimitWatch(self._consistency, notices)
        self._is_named = partial(is_named, handlers.contracts)
        self._open_meter()
        self._outbox.add(vault.begin(month_of(legal_day(clock.now()))), clock.monotonic_s())

    @property
    def is_line_good(self) -> bool:
        """True if a good frame has come within the last ten seconds."""
        return self._line.is_good(self._clock.monotonic_s())

    @property
    def account(self) -> Account | None:
        """What metering has accepted of the meter that it follows; None if it follows none."""
        return None if self._meter is None else self._meter.state.account

    @property
    def is_drained(self) -> bool:
        """True if the cloud has acknowledged everything that there is to send."""
        if not self._message_handlers.is_drained:
            return False
        return self._vault.is_caught_up and not self._vault.unsent(1)

    @property
    def neighbourhood(self) -> Neighbourhood:
        """What is known of the household's neighbourhood; any thread may read it."""
        reader = self._handlers.neighbourhood
        return Neighbourhood() if reader is None else reader.known

    @property
    def set_aside(self) -> list[str]:
        """The names of the handlers that have failed since the start."""
        return [type(handler).__name__ for handler in self._message_handlers.set_aside]

    @property
    def accepted_groups(self) -> int:
        """The number of groups that passed all checks, for a source that looks for its speed."""
        return self._decoder.quality.groups

    def feed(self, data: bytes, host: HostTime, *, is_line_open: bool = True) -> None:
        """Take bytes of the meter that came at `host`, and whether its device is open."""
        self._line.set_open(is_open=is_line_open)
        if data:
            self._line.record_bytes(self._clock.monotonic_s())
        self.observe_all((frame, host) for frame in self._decoder.feed(data))

    def finish(self, host: HostTime) -> None:
        """Take the end of a finite stream."""
        self.observe_all((frame, host) for frame in self._decoder.finish())
        self._line.end()

    def observe(self, frame: Frame, host: HostTime) -> None:
        """Take a frame, without the groups that earlier frames contradict."""
        self.observe_all([(frame, host)])

    def observe_all(self, frames: Iterable[tuple[Frame, HostTime]]) -> None:
        """Take frames with the time each came; one commit holds everything that they close."""
        events, is_new = self._settings.confirmation.carry_out(self._meter), False
        for frame, host in frames:
            checked = self._consistency.check(frame, host.at)
            self._line.record_frame(checked, host.at, self._clock.monotonic_s())
            self.live = seen_in(checked, host.at, self.live)
            self.frame = checked
            if self.moving.has_left:
                continue
            if self._restore_point is not None:
                self._restore_meter(checked, host.at)
            if self._meter is not None:
                before = self._meter.state.milestone
                events += self._meter.observe(checked, host)
                self._line.set_time_known(is_known=self._meter.is_time_known)
                is_new |= self._meter.state.milestone != before
                events += self._compare(self._meter)
                events += self._limit.check(host.at)
                self._pass_time()
            may_be_wrong = self._meter is not None and self._meter.is_beginning_open
            self._outbox.hold_blocks(are_held=may_be_wrong and not host.is_synchronised)
        events += self._settings.confirmation.carry_out(self._meter)
        if self._meter is not None and self.moving.is_due(self._meter):
            self._send(self.moving.close(self._meter, events))
        elif self._meter is not None and (events or is_new):
            self._send(self._vault.record(events, self._meter.state, self._contribute))
            self._reopen(self._meter, events)

    def take(self, event: LinkEvent) -> None:
        """Handle an event of the link."""
        now_s = self._clock.monotonic_s()
        self._status.take(event)
        if isinstance(event, Arrived):
            self._arrive(event)
        elif isinstance(event, Connected):
            self._outbox.connect()
            if self.area is not None:
                self.area.is_session_resumed = event.is_resumed
            self._message_handlers.connect()
        elif isinstance(event, Disconnected):
            self._outbox.disconnect()
            self._message_handlers.disconnect()
        elif isinstance(event, PublishRefused):
            topic, code = event.publish.topic, event.reason_code
            if times := self._repeated.found("publish", topic, code):
                log.error("publish_refused", topic=topic, code=code, times=times)
            if event.publish.key is not None:
                self._outbox.refuse(event.publish.key, now_s)
        elif isinstance(event, Published):
            self._published(event)

    def outgoing(self) -> list[Publish]:
        """Return the messages to publish now; none while there is no session."""
        now_s = self._clock.monotonic_s()
        self._line.check(now_s)
        out = self._status.outgoing(self._counts, has_left=self.moving.has_left)
        if not self._outbox.is_connected:
            return []
        for key in self._outbox.due(now_s):
            payload = self._vault.payload(key)
            if payload is None:
                self._outbox.forget(key)
            else:
                kind = Kind.EPOCH if key.is_header else Kind.BLOCK
                out.append(Publish(self._topic(kind), payload, key))
        if self._outbox.ask_whole(now_s):
            out.append(self._fetch(fetch(self._identity.household_key)))
        if self._recovery is not None:
            request = self._recovery.request(now_s)
            if request is not None:
                out.append(self._fetch(request))
            self._end_recovery()
        return out + self._message_handlers.outgoing(now_s)

    def topics(self) -> frozenset[str]:
        """Return the topics to subscribe to beside the chip's own."""
        return self._handlers.public_topics(self._clock.monotonic_s())

    def goodbye(self) -> Publish | None:
        """Save the state of metering, and return the chip's last status message, if any."""
        if self._meter is not None and self._meter.state.account is not None:
            self._vault.record([], self._meter.state)
        return self._status.goodbye(self._counts())

    def _topic(self, kind: Kind) -> str:
        return device_topic(self._identity.collectivity, self._identity.device, kind)

    def _send(self, keys: list[Key]) -> None:
        delay_s = self._rng.uniform(0, self._settings.send_window_s)
        self._outbox.add(keys, self._clock.monotonic_s(), delay_s)

    def _fetch(self, request: Fetch) -> Publish:
        return Publish(self._topic(Kind.FETCH), self._signer.seal(Kind.FETCH, request))

    # Metering.

    def _pass_time(self) -> None:
        """Pass the meter's time, which deadlines follow, to the area lane."""
        if self.area is not None and self._meter is not None and self._meter.state.account:
            at = self._meter.state.account.last.at
            self._message_handlers.run(self.area, partial(self.area.observe, at), None)

    def _contribute(
        self, closed: DayClosed, curve: Sequence[QuarterHour]
    ) -> ContributionRow | None:
        """Let the area lane add noise to a day, inside the transaction that closes it."""
        if self.area is None:
            return None
        make = partial(self.area.contribute, closed, curve)
        return self._message_handlers.run(self.area, make, None)

    def _compare(self, meter: Meter) -> list[Notice]:
        """Compare the meter's line with the household's contract."""
        account = meter.state.account
        return [] if account is None else self._contracts.look(account.last)

    def _reopen(self, meter: Meter, events: list[Event]) -> None:
        """Reopen what a clock that was ahead has closed, once it has gone back."""
        has_gone_back = any(
            isinstance(event, Notice) and event.kind is NoticeKind.CLOCK_JUMP for event in events
        )
        since = meter.closed_ahead if has_gone_back else None
        if since is not None:
            self._send(self._vault.reopen(since, self._outbox.has_left, meter.reopen))

    def _open_meter(self) -> None:
        """Continue metering from the vault's state.

        There is no meter yet if the account must be restored for the meter that a frame names.
        """
        values = self._vault.values
        state, point = values.state(), values.restore_point()
        if is_unknown(state):
            point = values.find_restore_point()
        self._restore_point = point
        self._meter = self._meter_at(state) if point is None or state is not None else None

    def _meter_at(self, state: MeterState | None) -> Meter:
        return Meter(state, self._settings.metering, self._is_named)

    def _restore_meter(self, frame: Frame, host_time: datetime) -> None:
        """Restore the account with the first frame, and again once its own meter is read."""
        point, reading = self._restore_point, read(frame, host_time)
        if point is None or reading is None or reading.calendar is None:
            return
        if self._meter is not None and not is_unknown(self._meter.state):
            self._restore_point = None
            return
        restored = restore_for(reading, point, self._identity.household)
        if self._meter is not None and not restored.names:
            return
        for fingerprint, name in restored.names.items():
            self._vault.name_meter(fingerprint, reading.serial, name)
        log.info("metering_restored", is_same_meter=bool(restored.names))
        self._meter = self._meter_at(restored.state)

    # Messages.

    def _arrive(self, message: Arrived) -> None:
        take = partial(self._take_message, message)
        try:
            self._settings.set_aside.handle(kind_of(message.topic), message.payload, take, None)
        except MessageRefused as exc:
            self.refused[exc.reason] += 1
            if times := self._repeated.found("message", exc.reason, exc.detail):
                log.warning("message_refused", reason=exc.reason, detail=exc.detail, times=times)
        except UNUSABLE as exc:
            raise StoreError(f"The vault cannot be used: {exc}; start the chip again.") from exc

    def _take_message(self, message: Arrived) -> None:
        now_s = self._clock.monotonic_s()
        if not self._handlers.take_public(message.topic, message.payload, now_s):
            self._dispatch(parse_device_topic(message.topic), message.payload)

    def _dispatch(self, topic: DeviceTopic, payload: bytes) -> None:
        identity = self._identity
        if (topic.collectivity, topic.device) != (identity.collectivity, identity.device):
            raise MessageRefused(Reason.TOPIC, "another device's")
        address = Address(topic.collectivity, topic.device, topic.kind)
        if topic.kind is Kind.ACK:
            self._take_ack(open_message(address, payload, identity.platform_key, Ack))
        elif topic.kind is Kind.STATUS:
            self._status.take_shown(payload)
        elif self._recovery is not None and topic.kind is Kind.STORED_EPOCH:
            self._recovery.take_epoch(payload)
        elif self._recovery is not None and topic.kind is Kind.STORED_BLOCK:
            self._recovery.take_block(payload)
        else:
            self._message_handlers.take(InboundMessage(address, payload, topic.rest))

    def _take_ack(self, ack: Ack) -> None:
        if ack.household_tag != self._identity.household_key[:TAG_BYTES]:
            raise MessageRefused(Reason.TOPIC, "another household's")
        taken = self._outbox.take(ack, self._clock.monotonic_s())
        states = ack.states if taken.whole is None else taken.whole
        self._vault.reconcile(states, is_whole=taken.whole is not None)
        for refusal in ack.refused:
            if times := self._repeated.found("block", refusal.reason):
                reason, sequence = refusal.reason, refusal.sequence
                log.warning("block_refused", reason=reason, sequence=sequence, times=times)
        if taken.conflicts:
            for key in taken.conflicts:
                self._vault.supersede(key)
            self._suspend_encryption()
            self._outbox.request_full_state()
        if self._recovery is not None:
            self._recovery.take_ack(ack.states)
        elif taken.whole is not None and not taken.conflicts:
            self._compare_holdings(taken.whole)

    def _compare_holdings(self, states: Sequence[IncarnationState]) -> None:
        """Compare what the cloud holds with the vault; fetch back what is missing, or continue."""
        missing = missing_here(self._vault, states, self._given_up)
        if missing:
            log.warning(
                "recovery_started",
                incarnations=len(missing),
                blocks=sum(len(part.sequences) for part in missing),
            )
            self._suspend_encryption()
            self._recovery = Recovery(self._signer, missing)
        elif not self._vault.is_caught_up:
            self._catch_up()

    def _suspend_encryption(self) -> None:
        self._vault.suspend_encryption()
        self._outbox.allow_blocks(are_allowed=False)

    def _catch_up(self) -> None:
        keys = self._vault.catch_up(self._contribute)
        self._outbox.allow_blocks(are_allowed=True)
        self._send(keys)

    def _end_recovery(self) -> None:
        if self._recovery is None or not self._recovery.is_complete:
            return
        recovered = self._recovery.result()
        self._recovery = None
        is_behind = self._vault.restore(recovered.headers, recovered.blocks, self._clock.now())
        log.info(
            "recovery_ended",
            blocks=len(recovered.blocks),
            lost=len(recovered.lost),
            is_metering_restored=is_behind,
        )
        if is_behind:
            self._open_meter()
        self._given_up.update(recovered.lost)
        self._outbox.request_full_state()  # more may have been stored meanwhile

    def _published(self, event: Published) -> None:
        if event.publish.key is not None:
            topic = event.publish.topic
            if event.has_subscribers:
                self._unsubscribed.ends()
            elif self._unsubscribed.begins():
                log.warning("nobody_listens", topic=topic)
        self._message_handlers.published(event)

    def _counts(self) -> StatusCounts:
        return StatusCounts(self._vault.outbox_depth(), self.refused.total())
