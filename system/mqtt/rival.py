"""Detects another program with the same certificate, since two take the session from each other.

On one machine a lock on the key reveals it; on two machines only the way in which sessions end. A
restarted broker ends them too, but it is briefly unreachable.
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

# A rival returns within half a second; a supervisor stops a broker that crashes as often.
SHORT_S = 5.0
SHORT_MOST = 6
PROBE_TIMEOUT_S = 2.0

Listens: TypeAlias = Callable[[], Awaitable[bool]]


class Rivalry:
    """Counts sessions that ended within seconds of their beginning while the broker stayed up."""

    def __init__(
        self,
        name: str,
        next_step: str,
        listens: Listens,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch the sessions of `name`; `listens` returns whether the broker accepts connections.

        `next_step` ends the error's text.
        """
        self._name = name
        self._next_step = next_step
        self._listens = listens
        self._monotonic_s = monotonic_s
        self._begun_at_s: float | None = None
        self._short = 0

    def session_began(self) -> None:
        """Record the start of a session."""
        self._begun_at_s = self._monotonic_s()

    async def connection_ended(self) -> None:
        """Record that a connection has ended, or that an attempt failed.

        Raises:
            ConfigError: too many sessions in a row were short, so another program takes them.
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
    """Lock the key of the presented certificate while the block runs.

    `next_step` ends the error's text if another program has locked it.

    Raises:
        ConfigError: another program of this machine has locked it, or it cannot be locked.
    """
    file = take_lock(key)
    if file is None:
        raise ConfigError(f"{name} runs already on this machine; {next_step}")
    try:
        yield
    finally:
        os.close(file)


async def takes_connections(host: str, port: int) -> bool:
    """Return whether a server accepts connections there."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError, too
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
