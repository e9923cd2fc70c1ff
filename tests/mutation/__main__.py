"""`./run mutate MODULE TESTS…`: change one thing of a module at a time; does a test notice?

`./run mutate --all-of PACKAGE --sample N` draws from all modules of a package, each judged by its
own unit tests. Both go on where they were ended, and try only what changed. Not in CI: a module
takes minutes.
"""

import ast
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

from tests.mutation.drawing import TABLE, Drawn, draw, judged_modules
from tests.mutation.forking import in_child, load_libraries, path_of, run_tests
from tests.mutation.operators import Mutant
from tests.mutation.report import Tried, is_explained, lines
from tests.mutation.results import Result, Results
from tests.mutation.selection import MutationFailed, Reach, find_reach, in_order

_TIMES_AS_LONG = 5.0
_LEAST_S = 20.0
_COUNTED = 10
_FEW = 4


class _FirstFailure:
    def __init__(self):
        self.failed = ""

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.failed:
            self.failed = report.nodeid


def judge(module: str, mutant: Mutant, tests: Sequence[str], seconds: float) -> Result:
    """Run `tests`, which take `seconds`, on a mutant."""

    def run() -> tuple[int, str]:
        watcher = _FirstFailure()
        return int(run_tests(tests, module, mutant.tree, watcher)), watcher.failed

    is_ended, answer = in_child(run, _LEAST_S + _TIMES_AS_LONG * seconds)
    result = Result(mutant.key, mutant.lines[0], mutant.change, "survived")
    if not is_ended:
        return _with(result, "timeout")
    status, by = answer if isinstance(answer, list) else (1, "it ends the process")
    return _with(result, "killed", by or "it does not load") if status else result


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def _with(result: Result, outcome: str, by: str = "") -> Result:
    return Result(result.key, result.line, result.change, outcome, by)


def judge_by_reach(module: str, mutant: Mutant, reach: Reach, kills: Counter[str]) -> Result:
    """Run the tests that reach a mutant's lines; if it survives, the others of their files too."""
    near = list(in_order(reach.of(mutant.lines), kills, reach.tests))
    if not near:
        return Result(mutant.key, mutant.lines[0], mutant.change, "unreached")
    files = {_file_of(test) for test in near}
    # What a file's tests share is seen to be run by the first of them alone.
    far = [test for test in reach.tests if _file_of(test) in files and test not in set(near)]
    # Most mutants fall to the first few, for which few files need be loaded.
    for some in (near[:_FEW], near[_FEW:], far):
        if some:
            result = judge(module, mutant, some, sum(reach.tests[test] for test in some))
            if result.is_killed:
                break
    return result


def require_survival_of_no_change(module: str, reach: Reach) -> None:
    """Judge the module as it is by the way that mutants go: else each would seem killed.

    All tests have just passed without a change: one of each file shows that they do when forked.
    """
    tree = ast.parse(path_of(module).read_text("utf-8"))
    control = Mutant(tree, (1, 1), "no change", "control")
    slowest_first = sorted(reach.tests, key=lambda test: -reach.tests[test])
    quickest = {_file_of(test): test for test in slowest_first}
    result = judge(module, control, list(quickest.values()), sum(reach.tests.values()))
    if result.is_killed:
        raise click.ClickException(f"Without a change, the forked tests fail: {result.by}.")


class Bench:
    """Judges mutants of several modules; the tests of a module run once before its first mutant."""

    def __init__(self, tests_of: Mapping[str, tuple[str, ...]]):
        self._tests_of = tests_of
        self._results = {module: Results(module, tests) for module, tests in tests_of.items()}
        self._known = {module: results.read() for module, results in self._results.items()}
        self._reach: dict[str, Reach] = {}
        self._kills = Counter(
            each.by for known in self._known.values() for each in known.values() if each.is_killed
        )

    def find(self, drawn: Drawn) -> Result | None:
        """Return what is known of a mutant from an earlier run."""
        return self._known[drawn.module].get(drawn.mutant.key)

    def judge(self, drawn: Drawn) -> Result:
        """Try a mutant, and keep what became of it.

        Raises:
            MutationFailed: the module's tests fail without a change, or do not reach it.
        """
        module = drawn.module
        if module not in self._reach:
            self._prepare(self._tests_of[module])
        result = judge_by_reach(module, drawn.mutant, self._reach[module], self._kills)
        self._kills[result.by] += 1
        return self._results[module].add(result)

    def _prepare(self, tests: tuple[str, ...]) -> None:
        """Run `tests` once for all modules that they judge."""
        modules = [module for module, others in self._tests_of.items() if others == tests]
        self._reach |= find_reach(modules, tests)
        load_libraries(self._reach[modules[0]].libraries)
        require_survival_of_no_change(modules[0], self._reach[modules[0]])


def try_all(bench: Bench, chosen: Sequence[Drawn]) -> list[Tried]:
    """Judge mutants in the order given; returns those that were judged before an interrupt."""
    waiting = [drawn for drawn in chosen if not bench.find(drawn)]
    click.echo(f"{len(chosen)} mutants, {len(chosen) - len(waiting)} known", err=True)
    tried: list[Tried] = []
    try:
        for drawn in chosen:
            result = bench.find(drawn)
            if result is None:
                result = bench.judge(drawn)
                click.echo(f"{drawn.module} {result.outcome:9} {result.change}", err=True)
            tried.append(Tried(drawn.module, result))
            if len(tried) % _COUNTED == 0:
                click.echo(f"{len(tried)}/{len(chosen)}", err=True)
    except KeyboardInterrupt:
        click.echo(f"ended after {len(tried)} of {len(chosen)}", err=True)
    return tried


@click.command()
@click.argument("module", required=False)
@click.argument("tests", nargs=-1)
@click.option("--all-of", "packages", multiple=True, help="All modules of a package, or of more.")
@click.option("--sample", type=click.IntRange(1), help="Draw so many mutants, not all.")
@click.option("--seed", default=1, show_default=True, help="Which are drawn.")
def mutate(
    module: str | None,
    tests: tuple[str, ...],
    packages: tuple[str, ...],
    sample: int | None,
    seed: int,
) -> None:
    """Change one thing of MODULE at a time, and run TESTS on it until one fails.

    With --all-of, tests/mutation/modules.toml says which tests judge a module. An interrupt ends
    the command with a report on what was tried.

    Exit codes: 0 each mutant is killed or explained, 1 some are neither, or the tests fail as it
    is, 2 the command is not understood.
    """
    if bool(packages) == bool(module) or (module and not tests):
        raise click.UsageError("Give MODULE and TESTS, or --all-of PACKAGE.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tests_of = {module: tests} if module else judged_modules(packages)
    if not tests_of:
        raise click.UsageError(f"{TABLE.name} has no module of {' or '.join(packages)}.")
    chosen, count_max = draw(tests_of, sample, seed)
    try:
        tried = try_all(Bench(tests_of), chosen)
    except MutationFailed as failed:
        raise click.ClickException(str(failed)) from None
    name = module or ", ".join(packages)
    click.echo("\n".join(lines(name, tried, count_max=count_max)))
    sys.exit(not all(map(is_explained, tried)))


if __name__ == "__main__":
    mutate(prog_name="./run mutate")
