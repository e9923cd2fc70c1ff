"""A second program under one certificate ends with one sentence; the first goes on."""

import asyncio
import threading

import pytest

from cloud.link import Link, LinkSettings, TlsFiles
from cloud.registry.pki import pki_path
from protocol.errors import ConfigError

WITHIN_S = 30.0


def settings(broker):
    files = (pki_path(broker.cloud, f"worker.{end}") for end in ("pem", "key"))
    return LinkSettings(
        host="127.0.0.1",
        port=broker.port,
        client_id="worker",
        tls=TlsFiles(pki_path(broker.cloud, "ca.pem"), *files),
    )


def test_a_second_worker_of_a_name_ends_and_the_first_goes_on(broker):
    async def both():
        first, second = Link(settings(broker), ()), Link(settings(broker), ())
        running = asyncio.create_task(first.run(), name="first")
        try:
            async with asyncio.timeout(WITHIN_S):
                assert await first.connected() == 1
            with pytest.raises(ConfigError, match=r"worker runs already.*volet cloud issue"):
                async with asyncio.timeout(3.0):
                    await second.run()
            assert await first.connected() == 1
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())
    assert threading.active_count() == 1
