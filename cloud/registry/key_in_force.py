"""Ends a program's round when another platform key begins to sign, so that it goes on with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.registry.key_files import load_platform_key, public_bytes
from protocol.errors import ConfigError
from system.beside import running_beside
from system.conditions import Condition

LOOK_EVERY_S = 5.0

log = structlog.get_logger()


@asynccontextmanager
async def until_key_changes(
    directory: Path, key: Ed25519PrivateKey, stop: asyncio.Event
) -> AsyncIterator[asyncio.Event]:
    """Yield an event that is set when `stop` is, or when `key` does not sign any more."""
    ending = asyncio.Event()
    looking = _look(lambda: load_platform_key(directory), key, ending)
    async with running_beside(_set_with(stop, ending), "stop"), running_beside(looking, "key"):
        yield ending


async def _set_with(stop: asyncio.Event, ending: asyncio.Event) -> None:
    await stop.wait()
    ending.set()


async def _look(
    load: Callable[[], Ed25519PrivateKey], key: Ed25519PrivateKey, ending: asyncio.Event
) -> None:
    unreadable = Condition()
    while not ending.is_set():
        try:
            has_changed = public_bytes(load()) != public_bytes(key)
            unreadable.ends()
        except ConfigError as exc:
            has_changed = False
            if unreadable.begins(str(exc)):
                log.warning("key_list_unreadable", why=str(exc))
        if has_changed:
            log.info("platform_key_follows")
            ending.set()
        await asyncio.sleep(LOOK_EVERY_S)
