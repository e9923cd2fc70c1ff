"""Takes messages from the broker; one that cannot be used is counted, and the rest goes on."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import structlog

from monitor.broker import COUNTERS, BrokerCounts
from monitor.figures import Figures
from monitor.fleet import Fleet
from protocol.errors import MessageRefused, Reason
from protocol.topics import Kind, all_devices, area_topic, kind_of, parse_device_topic
from system.conditions import Repeated
from system.mqtt.message import Incoming
from system.pace import Pace
from system.set_aside import SetAside

# A chip reports six times a day at most; whoever sends more costs the monitor nothing.
STATUSES_A_DAY = 200
FIGURE, BROKER = "area", "$SYS"

log = structlog.get_logger()


def filters(collectivity: str) -> tuple[str, ...]:
    """Return what a monitor subscribes to: all that its certificate allows and it can use."""
    return (
        all_devices(collectivity, Kind.STATUS),
        area_topic(collectivity, "+", "+"),
        *COUNTERS,
    )


class Intake:
    """What the broker tells, sorted.

    Attributes:
        fleet, figures, broker: what was understood.
        taken: so many messages of each kind since the start.
        refused: so many messages by the reason for which they were not used.
        last_at: when the last message came, None before the first.
    """

    def __init__(
        self,
        collectivity: str,
        chips_max: int,
        set_aside: SetAside,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know nothing yet."""
        self._collectivity = collectivity
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._pace = Pace(STATUSES_A_DAY, monotonic_s)
        self._repeated = Repeated(monotonic_s)
        self.set_aside = set_aside
        self.fleet = Fleet(chips_max)
        self.figures = Figures(collectivity)
        self.broker = BrokerCounts()
        self.taken = Counter[str]()
        self.refused = Counter[Reason]()
        self.last_at: datetime | None = None

    def admits(self, message: Incoming) -> bool:
        """Return whether to take a message; a chip that sends too many waits."""
        if message.topic in COUNTERS or self.figures.is_figure(message.topic):
            return True
        if self._pace.admits(message.topic):
            return True
        self.refused[Reason.QUOTA] += 1
        return False

    def take(self, message: Incoming) -> None:
        """Take a message; whatever is wrong with it is counted."""
        self.last_at = self._clock()
        kind = _kind(message.topic, self.figures)
        step = partial(self._step, kind, message, self.last_at)
        try:
            self.set_aside.handle(kind, message.payload, step, otherwise=None)
        except MessageRefused as exc:
            self.refused[exc.reason] += 1
            if times := self._repeated.found(kind, exc.reason):
                log.warning("message_refused", kind=kind, reason=exc.reason, times=times)
        else:
            self.taken[kind] += 1

    def _step(self, kind: str, message: Incoming, now: datetime) -> None:
        if kind == BROKER:
            self.broker.take(message.topic, message.payload)
        elif kind == FIGURE:
            self.figures.take(message.topic, message.payload)
        else:
            topic = parse_device_topic(message.topic)
            if topic.collectivity != self._collectivity or topic.kind is not Kind.STATUS:
                raise MessageRefused(Reason.TOPIC, "no status of this collectivity")
            self.fleet.take(topic.device, message.payload, now, self._monotonic_s())


def _kind(topic: str, figures: Figures) -> str:
    if topic in COUNTERS:
        return BROKER
    return FIGURE if figures.is_figure(topic) else kind_of(topic)
