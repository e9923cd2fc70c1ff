"""Runs a program of the cloud to its end, and raises the task error that is meant for people."""

import asyncio
from collections.abc import Coroutine

from protocol.errors import VoletError


def run_program(program: Coroutine[None, None, None]) -> None:
    """Run a program on a new event loop.

    Raises:
        VoletError: the first with which a task ended, taken out of its exception groups.
    """
    try:
        asyncio.run(program)
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error with a sentence for people, or else the first error."""
    first: BaseException = group.subgroup(VoletError) or group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
