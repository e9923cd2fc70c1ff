"""A process for each mutant, forked from one that has loaded the libraries but none of our code.

Forking saves the second or two in which pytest, NumPy and the others load; the code under test is
imported anew in each child, so that constants and class bodies can be mutated as functions are.
"""

import ast
import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import hypothesis
import pytest

from tests.support.product import PRODUCT

ROOT = Path(__file__).parents[2]
OPTIONS = (
    *("-q", "-x", "-p", "no:cacheprovider", "-m", "not long"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # what a child finds loaded
)
_POLL_S = 0.02
_COUNTED_MAX_S = 1.0


class _Source(importlib.machinery.SourceFileLoader):
    """Loads one module from a changed syntax tree; nothing of it is cached on the disk."""

    def __init__(self, name: str, path: str, tree: ast.Module):
        super().__init__(name, path)
        self._tree = tree

    def get_code(self, fullname: str):
        return compile(self._tree, self.get_filename(fullname), "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, path: Path, tree: ast.Module):
        self._name, self._path, self._tree = name, path, tree

    def find_spec(self, fullname, path=None, target=None):
        del path, target
        if fullname != self._name:
            return None
        loader = _Source(fullname, str(self._path), self._tree)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


class _WithoutShrinking:
    """A counterexample is enough: Hypothesis would take minutes to make it a small one."""

    @staticmethod
    def pytest_sessionstart() -> None:
        whole = hypothesis.settings.get_current_profile_name()
        phases = [phase for phase in hypothesis.Phase if phase.name not in {"shrink", "explain"}]
        parent = hypothesis.settings.get_profile(whole)
        hypothesis.settings.register_profile("mutants", parent, phases=phases)
        hypothesis.settings.load_profile("mutants")


def path_of(module: str) -> Path:
    """Return the file of a module of the product."""
    base = ROOT.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def run_tests(arguments: Sequence[str], module: str, tree: ast.Module | None, plugin=None) -> int:
    """Run pytest in this process, with `module` as `tree` says; returns its exit code."""
    sys.path.insert(0, str(ROOT))
    if tree is not None:
        sys.meta_path.insert(0, _Finder(module, path_of(module), tree))
    plugins = [_WithoutShrinking()] + ([] if plugin is None else [plugin])
    return pytest.main([*OPTIONS, *arguments], plugins=plugins)


def in_child(work: Callable[[], object], within_s: float) -> tuple[bool, object]:
    """Do `work` in a forked process.

    Returns:
        Whether it ended by itself in time, and what it returned; None if it broke.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _become_silent_group()
        code = 1
        with contextlib.suppress(BaseException):
            answer = json.dumps(work()).encode()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
            code = 0
        os._exit(code)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as pipe:
            return _wait(child, pipe, within_s)
    finally:
        _end_group(child)


def _become_silent_group() -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _wait(child: int, pipe, within_s: float) -> tuple[bool, object]:
    os.set_blocking(pipe.fileno(), False)
    received = b""
    waited_s, before = 0.0, time.monotonic()
    while True:
        received += pipe.read() or b""
        ended, _ = os.waitpid(child, os.WNOHANG)
        if ended:
            received += pipe.read() or b""
            return True, json.loads(received) if received else None
        now = time.monotonic()
        # While this process was stopped, or the machine slept, so may have been the child.
        waited_s += min(now - before, _COUNTED_MAX_S)
        before = now
        if waited_s > within_s:
            _end_group(child)
            os.waitpid(child, 0)
            return False, None
        select.select([], [], [], _POLL_S)


def _end_group(child: int) -> None:
    """End what a child has started and left, itself included."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def load_libraries(names: Iterable[str]) -> None:
    """Import what the tests will need of others, in the order in which they were loaded."""
    for name in names:
        if name.split(".", 1)[0] not in {*PRODUCT, "tests", "benchmarks"}:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def libraries() -> list[str]:
    """Return what is loaded here and has a place on the disk that a child can inherit."""
    return [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]
