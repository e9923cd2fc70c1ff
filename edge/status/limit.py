"""Notifies the household that its meter lets more power through than the contract allows."""

from collections.abc import Iterable
from datetime import datetime

from edge.metering.events import Notice, NoticeKind
from edge.tic.consistency import ConsistencyCheck


class LimitWatch:
    """Gives one notice, also over restarts, until another power is subscribed."""

    def __init__(self, check: ConsistencyCheck, notices: Iterable[Notice]) -> None:
        """Continue after `notices`."""
        self._check = check
        self._had_yielded = False
        self._is_notified = any(notice.kind is NoticeKind.LIMIT_YIELDED for notice in notices)

    def check(self, at: datetime) -> list[Notice]:
        """Return the new notices for the household."""
        has_yielded = self._check.has_limit_yielded
        if self._had_yielded and not has_yielded:
            self._is_notified = False
        self._had_yielded = has_yielded
        if not has_yielded or self._is_notified:
            return []
        self._is_notified = True
        return [Notice(NoticeKind.LIMIT_YIELDED, at)]
