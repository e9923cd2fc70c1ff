"""Runs a task beside a block of asynchronous code."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def running_beside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Run `work` as a task of this name until the block ends, then cancel it.

    An exception by which it ended is raised at the end of the block.
    """
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
