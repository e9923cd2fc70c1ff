"""A task runs beside a block, and no longer."""

import asyncio

import pytest

from system.beside import running_beside


async def forever(seen, is_enough=None):
    while True:
        seen.append(1)
        if is_enough and len(seen) == 3:
            is_enough.set()
        await asyncio.sleep(0)


async def fails():
    raise ValueError("work")


def test_the_task_runs_while_the_block_does_and_ends_with_it():
    async def play():
        seen, is_enough = [], asyncio.Event()
        async with running_beside(forever(seen, is_enough), "counting"):
            await is_enough.wait()
        count = len(seen)
        await asyncio.sleep(0)
        assert len(seen) == count
        assert {task.get_name() for task in asyncio.all_tasks()} == {"main"}

    async def named():
        asyncio.current_task().set_name("main")
        await play()

    asyncio.run(named())


def test_the_task_ends_with_a_block_that_fails():
    seen = []

    async def play():
        async with running_beside(forever(seen), "counting"):
            await asyncio.sleep(0)
            raise KeyError("block")

    with pytest.raises(KeyError, match="block"):
        asyncio.run(play())
    assert seen


def test_how_the_task_failed_is_raised_at_the_end_of_the_block():
    async def play():
        async with running_beside(fails(), "failing"):
            await asyncio.sleep(0)

    with pytest.raises(ValueError, match="work"):
        asyncio.run(play())
