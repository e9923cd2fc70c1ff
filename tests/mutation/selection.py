"""Which tests reach which lines of a module, found in one run without a change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import coverage
import pytest

from tests.mutation.forking import in_child, libraries, path_of, run_tests

WITHIN_S = 1_800.0


class MutationFailed(Exception):
    """The tests cannot judge mutants; the message says why."""


@dataclass(frozen=True)
class Reach:
    """What an unchanged run has shown.

    Attributes:
        tests: each test with the seconds that it took.
        by_line: the tests that run each line; those of a line run at import are "".
        libraries: modules of others that the run has loaded.

    """

    tests: dict[str, float]
    by_line: dict[int, list[str]]
    libraries: list[str]

    def of(self, lines: tuple[int, int]) -> list[str]:
        """Return the tests that run one of `lines`; those that run any, for code of the import."""
        found: set[str] = set()
        for line in range(lines[0], lines[1] + 1):
            found |= set(self.by_line.get(line, ()))
        if "" in found:
            found |= {test for tests in self.by_line.values() for test in tests}
        if found == {""}:  # a module of constants: whoever reads them runs no line of it
            return list(self.tests)
        return [test for test in self.tests if test in found]


class _Recorder:
    def __init__(self, measured: coverage.Coverage):
        self._measured = measured
        self.tests: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self._measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._measured.switch_context("")

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.append(report.nodeid)
        if not report.skipped:
            self.tests[report.nodeid] = self.tests.get(report.nodeid, 0.0) + report.duration


def find_reach(modules: Sequence[str], tests: Sequence[str]) -> dict[str, Reach]:
    """Run `tests` on modules as they are; returns what each of them reaches.

    Raises:
        MutationFailed: a test fails, or none reaches one of the modules.
    """
    paths = {module: str(path_of(module)) for module in modules}

    def measure() -> dict:
        measured = coverage.Coverage(include=[*paths.values()], data_file=None, config_file=False)
        recorder = _Recorder(measured)
        measured.start()
        status = run_tests(tests, modules[0], None, recorder)
        measured.stop()
        data = measured.get_data()
        return {
            "status": int(status),
            "failed": recorder.failed,
            "tests": recorder.tests,
            "by_line": {each: data.contexts_by_lineno(path) for each, path in paths.items()},
            "libraries": libraries(),
        }

    is_ended, found = in_child(measure, WITHIN_S)
    if not is_ended or found is None or found["status"]:
        why = "they take too long" if not is_ended else (found or {}).get("failed") or "they end"
        raise MutationFailed(f"{' '.join(tests)} must pass without a change: {why}.")
    return {
        module: _reach_of(module, by_line, found) for module, by_line in found["by_line"].items()
    }


def _reach_of(module: str, by_line: dict[str, list[str]], found: dict) -> Reach:
    if not by_line:
        raise MutationFailed(f"None of the tests reaches {module}.")
    numbered = {int(line): tests for line, tests in by_line.items()}
    return Reach(found["tests"], numbered, found["libraries"])


def in_order(tests: list[str], kills: dict[str, int], seconds: dict[str, float]) -> Iterator[str]:
    """Yield those first that have killed most, then the quick ones."""
    return iter(sorted(tests, key=lambda test: (-kills.get(test, 0), seconds[test])))
