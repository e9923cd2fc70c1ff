"""The areas' released figures: of which day the latest is, and its coverage; no value is kept.

Only the collectivity's workers may write these topics. Nobody signs a figure, so nothing may be
decided by it.
"""

import math
import re
from dataclasses import dataclass
from datetime import date

from protocol.envelope import SIZE_MAX_BYTES
from protocol.errors import DocumentRefused, MessageRefused, Reason
from protocol.release import CurveRelease, Release, TableRelease, decode
from protocol.topics import area_topic

# A large town has some hundreds of groups in a few measures.
FIGURES_MAX = 5_000
_NAME = r"[0-9A-Za-z.-]{1,48}"


@dataclass(frozen=True, slots=True)
class LatestFigure:
    """A group's latest figure: its day, and the share of the group's households that are in it."""

    day: date
    coverage: float


class Figures:
    """The latest figure of each measure and group.

    Attributes:
        latest: by measure and group.
        dropped: so many figures were not kept because there were too many groups.
    """

    def __init__(self, collectivity: str) -> None:
        """Take the figures of one collectivity."""
        self._topic = re.compile(area_topic(re.escape(collectivity), f"({_NAME})", f"({_NAME})"))
        self.latest: dict[tuple[str, str], LatestFigure] = {}
        self.dropped = 0

    def is_figure(self, topic: str) -> bool:
        """Return whether a topic is a group's."""
        return self._topic.fullmatch(topic) is not None

    def take(self, topic: str, payload: bytes) -> None:
        """Take the message on a group's topic; an empty one clears it.

        Raises:
            MessageRefused: it is no figure of this group.
        """
        match = self._topic.fullmatch(topic)
        if match is None:
            raise MessageRefused(Reason.TOPIC, "no topic of a figure")
        key = (match[1], match[2])
        if not payload:
            self.latest.pop(key, None)
            return
        if len(payload) > SIZE_MAX_BYTES:
            raise MessageRefused(Reason.OVERSIZE, f"a figure of {len(payload)} bytes")
        try:
            release = decode(payload)
            day = date.fromisoformat(release.day)
        except (DocumentRefused, ValueError) as exc:
            raise MessageRefused(Reason.MALFORMED, "no figure") from exc
        if (release.measure, release.code) != key:
            raise MessageRefused(Reason.TOPIC, "a figure of another group")
        known = self.latest.get(key)
        if known is None and len(self.latest) >= FIGURES_MAX:
            self.dropped += 1
        elif known is None or known.day <= day:
            self.latest[key] = LatestFigure(day, _coverage(release))


def _coverage(release: Release) -> float:
    own = release.terms if isinstance(release, CurveRelease | TableRelease) else release
    coverage = own.coverage
    if not (math.isfinite(coverage) and 0.0 <= coverage <= 1.0):
        raise MessageRefused(Reason.BOUNDS, "a coverage beyond 1")
    return coverage
