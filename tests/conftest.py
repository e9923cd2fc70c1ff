"""What every test shares: nothing may be left running, and a broker for those who ask."""

import asyncio
import gc
import os
import threading
import weakref
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

# Before NumPy is loaded, as `volet` itself does it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Tests read English, whatever their machine speaks.
os.environ["LC_ALL"] = "C.UTF-8"

import hypothesis
import pytest
import structlog

from system.patience import Patience
from tests.support.broker import Broker, running_broker, skip_without_mosquitto
from tests.support.passphrases import make_passphrases_quick

# A slow machine makes no test fail.
hypothesis.settings.register_profile("volet", deadline=None)
hypothesis.settings.load_profile("volet")
make_passphrases_quick()
# What is made while tests are collected stays until the end: to look for garbage in it takes a
# third of that time.
gc.disable()

# Where tests mostly wait for programs that they start.
WAITING = {"e2e", "integration"}
_LINGER_S = 5.0
_loops: "weakref.WeakSet[asyncio.BaseEventLoop]" = weakref.WeakSet()
_make_loop = asyncio.BaseEventLoop.__init__


def _make_known_loop(loop: asyncio.BaseEventLoop) -> None:
    _make_loop(loop)
    _loops.add(loop)


asyncio.BaseEventLoop.__init__ = _make_known_loop


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each process its share of the tests that wait; xdist deals the list out in equal runs."""
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    modules = [list(module) for _, module in groupby(items, key=lambda item: item.path)]
    shares: list[list[pytest.Item]] = [[] for _ in range(count)]
    waiting = [module for module in modules if WAITING & {*module[0].path.parts}]
    for number, module in enumerate(waiting):
        shares[number % count] += module
    others = [item for module in modules if module not in waiting for item in module]
    for share in shares:
        missing = max(0, -(-len(items) // count) - len(share))
        share.extend(others[:missing])
        del others[:missing]
    items[:] = [*(item for share in shares for item in share), *others]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look for garbage from now on, in what tests make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread, a task or an open event loop behind."""
    before = set(threading.enumerate())
    loops_before = set(_loops)
    yield
    left = _threads_left(before, loops_before)
    assert not left, f"threads left running: {[thread.name for thread in left]}"
    open_loops = [loop for loop in set(_loops) - loops_before if not loop.is_closed()]
    tasks = [task.get_name() for loop in open_loops for task in asyncio.all_tasks(loop)]
    assert not tasks, f"tasks left running: {tasks}"
    assert not open_loops, "an event loop was left open"


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Undo what a command that a test ran in this process has set up for its logs."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def mosquitto_available() -> None:
    """Skip, with the reason, where there is no mosquitto; for tests that start one themselves."""
    skip_without_mosquitto()


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests of a process that neither stop it nor change its rules."""
    with running_broker(tmp_path_factory.mktemp("shared") / "cloud") as broker:
        yield broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Run a broker of the test's own, to stop, kill and change."""
    with running_broker(tmp_path / "cloud") as own:
        yield own


def _threads_left(
    before: set[threading.Thread], loops: set[asyncio.BaseEventLoop]
) -> list[threading.Thread]:
    """Return the threads that do not end by themselves within a few seconds.

    `loops` stood before the test, as a server's that several tests share: they may need one more
    thread for their calls, and end it themselves.
    """
    patience = Patience(_LINGER_S)
    while left := [
        thread
        for thread in set(threading.enumerate()) - before - _workers_of(loops)
        if thread.is_alive()
    ]:
        if not patience.lasts(len(left)):
            return left
        left[0].join(timeout=0.05)
    return []


def _workers_of(loops: set[asyncio.BaseEventLoop]) -> set[threading.Thread]:
    executors = [getattr(loop, "_default_executor", None) for loop in loops]
    return {thread for each in executors if each is not None for thread in each._threads}
