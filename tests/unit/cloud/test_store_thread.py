"""A busy store is told once for all who wait, and its end when nobody waits any more."""

import asyncio

from structlog.testing import capture_logs

from protocol.errors import StoreBusy
from system.store_thread import StoreThread


def test_those_who_read_end_nothing_for_those_who_wait():
    tries = []

    def write():
        tries.append("write")
        if len(tries) < 6:
            raise StoreBusy("locked")

    async def scenario():
        thread = StoreThread()
        waiting = [asyncio.create_task(thread.run(write)) for _ in range(3)]
        while not all(each.done() for each in waiting):
            assert await thread.run(lambda: "read") == "read"
            told = [entry["event"] for entry in logs]
            assert ("store_back" in told) <= all(each.done() for each in waiting)
        await asyncio.gather(*waiting)
        thread.close()

    with capture_logs() as logs:
        asyncio.run(scenario())
    assert [entry["event"] for entry in logs] == ["store_busy", "store_back"]
