"""The single thread that owns a store; work that finds it busy is retried, and logged once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import structlog

from protocol.backoff import RetryPolicy
from protocol.errors import StoreBusy
from system.conditions import Condition

BUSY = RetryPolicy(first_s=0.1, cap_s=10.0)

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger()


class StoreThread:
    """The single thread that owns the store."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._busy = Condition()
        self._waiting = 0

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in the thread, again and again while the store is busy."""
        delays_s = BUSY.waits_s()
        loop = asyncio.get_running_loop()
        is_waiting = False
        try:
            while True:
                try:
                    done = await loop.run_in_executor(
                        self._executor, lambda: function(*args, **kwargs)
                    )
                    break
                except StoreBusy as exc:
                    self._waiting += not is_waiting
                    is_waiting = True
                    if self._busy.begins():
                        log.warning("store_busy", error=str(exc))
                    await asyncio.sleep(next(delays_s))
        finally:
            self._waiting -= is_waiting
        # Reads succeed meanwhile, so a success counts only if it waited and no other call waits.
        if is_waiting and not self._waiting and self._busy.ends():
            log.info("store_back")
        return done

    def close(self) -> None:
        """Wait for the running function to end."""
        self._executor.shutdown()
