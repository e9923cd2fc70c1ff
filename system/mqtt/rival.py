"""Whether another program shows the same certificate: two take the session from each other.

On one machine a lock on the key tells; on two, only how sessions end does. A broker that is
restarted ends them too, but for a moment nobody listens there.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from protocol.errors import ConfigError
from system.locks import take_lock

# A rival is back within half a second; a broker that crashes as often is stopped by its supervisor.
SHORT_S = 5.0
SHORT_MOST = 6
PROBE_TIMEOUT_S = 2.0

Listens: TypeAlias = Callable[[], Awaitable[bool]]


class Rivalry:
    """Counts sessions that ended within seconds of their beginning, while the broker stayed."""

    def __init__(
        self,
        name: str,
        next_step: str,
        listens: Listens,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take whose sessions they are, and who says whether the broker takes connections.

        `next_step` ends the error's text.
        """
        self._name = name
        self._next_step = next_step
        self._listens = listens
        self._monotonic_s = monotonic_s
        self._begun_at_s: float | None = None
        self._short = 0

    def session_began(self) -> None:
        """Take note of a session."""
        self._begun_at_s = self._monotonic_s()

    async def connection_ended(self) -> None:
        """Take note that a connection has ended, or that there was none.

        Raises:
            ConfigError: so many sessions in a row were short that another program takes them.
        """
        begun_at_s, self._begun_at_s = self._begun_at_s, None
        is_short = begun_at_s is not None and self._monotonic_s() - begun_at_s < SHORT_S
        self._short = self._short + 1 if is_short and await self._listens() else 0
        if self._short >= SHORT_MOST:
            raise ConfigError(
                f"{self._name} runs on another machine, too, and each takes the broker's session "
                f"from the other; {self._next_step}"
            )


@contextlib.contextmanager
def alone_on_this_machine(name: str, key: Path, next_step: str) -> Iterator[None]:
    """Hold the key of the certificate shown, as long as the block runs.

    `next_step` ends the error's text where another program holds it.

    Raises:
        ConfigError: another program of this machine holds it, or it cannot be locked.
    """
    file = take_lock(key)
    if file is None:
        raise ConfigError(f"{name} runs already on this machine; {next_step}")
    try:
        yield
    finally:
        os.close(file)


async def takes_connections(host: str, port: int) -> bool:
    """Say whether somebody listens there."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError, too
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
