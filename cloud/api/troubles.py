"""Logs the service's own failures when they begin and end, and counts them between."""

import structlog

from system.conditions import Condition, Repeated

_SERVER_ERROR = 500

log = structlog.get_logger()


class Troubles:
    """Logs failures: a thousand failing calls on a full disk leave two lines."""

    def __init__(self) -> None:
        self._store, self._audit = Condition(), Condition()
        self._defects = Repeated()

    def store_failed(self, exc: Exception) -> None:
        """Record that a call found the store locked or damaged."""
        if self._store.begins():
            log.warning("api_store_failed", error=str(exc), times=self._store.times)

    def not_audited(self, status: int) -> None:
        """Record that a refusal was sent without its audit row."""
        if self._audit.begins():
            log.warning("api_call_not_audited", status=status, times=self._audit.times)

    def defect(self, path: str, defect: str, where: str) -> None:
        """Record an unexpected error."""
        if times := self._defects.found(path, defect, where):
            log.error("api_defect", path=path, defect=defect, where=where, times=times)

    def audited(self, status: int) -> None:
        """Record that a call was answered with `status` and its audit row written."""
        if self._audit.ends():
            log.info("api_calls_audited", missed=self._audit.times)
        if status < _SERVER_ERROR and self._store.ends():
            log.info("api_store_back", failed=self._store.times)
