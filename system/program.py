"""A program of the cloud, run to its end: of all tasks' errors the one for people is raised."""

import asyncio
from collections.abc import Coroutine

from protocol.errors import VoletError


def run_program(program: Coroutine[None, None, None]) -> None:
    """Run it on a loop of its own.

    Raises:
        VoletError: the first that a task ended with, out of its groups.
    """
    try:
        asyncio.run(program)
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error that has a sentence for people, else the first at all."""
    first: BaseException = group.subgroup(VoletError) or group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
