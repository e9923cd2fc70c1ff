"""Begins a program that runs until stopped, and raises the task error that is meant for people."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import NoReturn

from protocol.errors import VoletError
from system.logs import configure_logs
from system.swap import report_swap


def begin_program() -> None:
    """Configure the log, and report what an operator should know of this machine."""
    configure_logs()
    report_swap()


def begin_anew() -> NoReturn:
    """Replace this program by a new one of the same command, so that its memory is gone.

    It stays the same process for systemd, and for a terminal.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - itself


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
