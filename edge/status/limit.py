"""Tells the household that its meter lets more power through than the contract's should."""

from collections.abc import Iterable
from datetime import datetime

from edge.metering.events import Notice, NoticeKind
from edge.tic.consistency import ConsistencyCheck


class LimitWatch:
    """Tells once, also over restarts, until another power is subscribed."""

    def __init__(self, check: ConsistencyCheck, notices: Iterable[Notice]) -> None:
        """Go on after `notices`."""
        self._check = check
        self._had_yielded = False
        self._is_told = any(each.kind is NoticeKind.LIMIT_YIELDED for each in notices)

    def look(self, at: datetime) -> list[Notice]:
        """Return what is new to the household."""
        has_yielded = self._check.has_limit_yielded
        if self._had_yielded and not has_yielded:
            self._is_told = False
        self._had_yielded = has_yielded
        if not has_yielded or self._is_told:
            return []
        self._is_told = True
        return [Notice(NoticeKind.LIMIT_YIELDED, at)]
