"""Follows the released curves of the household's own neighbourhood, to show them beside its own.

What is subscribed to follows from the household's roster entry and the measures in force alone,
which the collectivity has too: not from what the household chose, contributed or looked at (see
docs/decisions/0037-what-a-chip-asks-the-broker-for.md).
"""

import re
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from edge.area.figure import (
    DAYS_KEPT,
    KeptFigures,
    NeighbourhoodDay,
    load_kept,
    read_figure,
    save_kept,
)
from edge.area.lane import AreaLane
from edge.area.report import OwnGroup, own_groups
from edge.area.trust import TrustState
from edge.mqtt.handler import MessageHandler
from edge.mqtt.message import Publish
from protocol.calendar import day_of_number
from protocol.errors import ConfigError, MessageRefused, Reason
from protocol.topics import NEIGHBOURHOODS, area_topic
from system.conditions import Condition

# More than a year of counted days at once. Who may write at the broker must not keep a chip busy.
READ_AN_HOUR_MAX = 120
# The file is not written more often.
WRITTEN_EVERY_S = 60.0
_HOUR_S = 3_600.0
# A group's code may have a character with a meaning in a topic; nothing can be released there.
_CODE = re.compile(r"[0-9A-Za-z.-]{1,48}(?!\n)$")

log = structlog.get_logger()


class Following(StrEnum):
    """Whether the chip follows its neighbourhood's curves, or why not.

    NO_AREA: the collectivity has put the home into no area, or measures nothing now. NO_GROUP: no
    group of the curves counts it.
    """

    ON = "on"
    DISABLED = "disabled"
    NOT_CONFIRMED = "trustees_not_confirmed"
    NO_AREA = "no_area"
    NO_GROUP = "no_group"


class Neighbourhood(msgspec.Struct, frozen=True):
    """What the chip knows of its neighbourhood; `days` are its latest curves, oldest first.

    `days_a_week` are counted, for which there may be a curve.
    """

    following: Following = Following.NO_AREA
    group: OwnGroup | None = None
    days_a_week: int = 0
    days: tuple[NeighbourhoodDay, ...] = ()


class NeighbourhoodReader(MessageHandler):
    """Reads the figures of the household's group in the measure of the neighbourhoods' curves.

    Attributes:
        known: what there is to show; any thread may read it.
    """

    def __init__(self, lane: AreaLane, collectivity: str, path: Path | None) -> None:
        """Follow the group that `lane` knows; keep the figures in `path`, None: in memory."""
        self._lane = lane
        self._collectivity = collectivity
        self._path = path
        self._trust: TrustState | None = None
        self._today = 0
        self._topic = ""
        self._kept = KeptFigures()
        self._is_written = True
        self._failing = Condition()
        self._write_at_s = 0.0
        self._hour_until_s = 0.0
        self._read = 0
        self.known = Neighbourhood()

    def open(self) -> None:
        """See `MessageHandler.open`."""
        if self._path is not None:
            self._kept = load_kept(self._path)
        self._look()

    def topics(self) -> frozenset[str]:
        """Return the topic to subscribe to, if there is one."""
        self._look()
        return frozenset([self._topic] if self._topic else ())

    def take_figure(self, topic: str, payload: bytes, now_s: float) -> bool:
        """Process a message on the topic of the household's group; return False on any other.

        Raises:
            MessageRefused: it is no curve of the group, or these are too many in an hour.
        """
        if topic != self._topic or not topic:
            return False
        if not payload:  # an empty one clears the broker's retained message
            return True
        if now_s >= self._hour_until_s:
            self._hour_until_s, self._read = now_s + _HOUR_S, 0
        self._read += 1
        if self._read > READ_AN_HOUR_MAX:
            raise MessageRefused(Reason.QUOTA, "too many figures")
        self._keep(read_figure(payload, self._kept.code, day_of_number(self._today)))
        return True

    def outgoing(self, now_s: float) -> list[Publish]:
        """Write the figures into the file if they have changed; nothing is ever published."""
        if self._path is None or self._is_written or now_s < self._write_at_s:
            return []
        self._write_at_s = now_s + WRITTEN_EVERY_S
        try:
            save_kept(self._path, self._kept)
        except ConfigError as exc:
            if self._failing.begins():
                log.warning("area_figures_not_kept", why=str(exc))
            return []
        self._failing.ends()
        self._is_written = True
        return []

    def _keep(self, figure: NeighbourhoodDay) -> None:
        by_day = {each.day: each for each in self._kept.days}
        before = by_day.get(figure.day)
        if before == figure or (before is not None and before.revision > figure.revision):
            return
        by_day[figure.day] = figure
        days = tuple(by_day[day] for day in sorted(by_day)[-DAYS_KEPT:])
        self._replace(KeptFigures(self._kept.code, days))
        log.info("area_figure_kept", day=figure.day.isoformat(), households=figure.households)

    def _replace(self, kept: KeptFigures) -> None:
        self._kept, self._is_written = kept, False
        self.known = msgspec.structs.replace(self.known, days=kept.days)

    def _look(self) -> None:
        """Find the household's group anew if the documents or the day are others."""
        trust, today = self._lane.trust, self._lane.today()
        if trust is self._trust and today == self._today:
            return
        self._trust, self._today = trust, today
        following, group = self._follow(trust, today)
        code = "" if group is None else group.code
        if group is not None and code != self._kept.code:
            self._replace(KeptFigures(code))
        is_on = following is Following.ON
        self._topic = area_topic(self._collectivity, NEIGHBOURHOODS, code) if is_on else ""
        in_force = trust.measures_on(today)
        days_a_week = 0 if in_force is None else in_force.measures.days_a_week
        days = self._kept.days if is_on else ()
        self.known = Neighbourhood(following, group, days_a_week, days)

    def _follow(self, trust: TrustState, today: int) -> tuple[Following, OwnGroup | None]:
        if not self._lane.is_enabled:
            return Following.DISABLED, None
        if not trust.sets:
            return Following.NOT_CONFIRMED, None
        if trust.measures_on(today) is None or trust.entry_on(today) is None:
            return Following.NO_AREA, None
        for group in own_groups(trust, today):
            if group.measure == NEIGHBOURHOODS and _CODE.match(group.code):
                return Following.ON, group
        return Following.NO_GROUP, None
