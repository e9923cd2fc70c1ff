"""What goes wrong in the service itself: told when it begins and ends, and counted between."""

import structlog

from system.conditions import Condition, Repeated

_SERVER_ERROR = 500

log = structlog.get_logger()


class Troubles:
    """Whoever calls a thousand times while the disk is full leaves two lines in the log."""

    def __init__(self) -> None:
        self._store, self._audit = Condition(), Condition()
        self._defects = Repeated()

    def store_failed(self, exc: Exception) -> None:
        """Take note that a call found the store locked or damaged."""
        if self._store.begins():
            log.warning("api_store_failed", error=str(exc), times=self._store.times)

    def not_audited(self, status: int) -> None:
        """Take note that a refusal left without its row of the audit."""
        if self._audit.begins():
            log.warning("api_call_not_audited", status=status, times=self._audit.times)

    def defect(self, path: str, defect: str, where: str) -> None:
        """Take note of an error that nobody foresaw."""
        if times := self._defects.found(path, defect, where):
            log.error("api_defect", path=path, defect=defect, where=where, times=times)

    def audited(self, status: int) -> None:
        """Take note that a call was answered with `status`, and its row of the audit written."""
        if self._audit.ends():
            log.info("api_calls_audited", missed=self._audit.times)
        if status < _SERVER_ERROR and self._store.ends():
            log.info("api_store_back", failed=self._store.times)
