"""`./run mutate MODULE TESTS…`: change one thing of a module at a time; does a test notice?

Goes on where it was ended, and tries only what changed. Not in CI: a module takes minutes.
"""

import ast
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

from tests.mutation.forking import in_child, load_libraries, path_of, run_tests
from tests.mutation.operators import Mutant, mutants
from tests.mutation.report import lines
from tests.mutation.results import Result, Results
from tests.mutation.selection import MutationFailed, Reach, find_reach, in_order

_TIMES_AS_LONG = 5.0
_LEAST_S = 20.0


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
    result = judge(module, mutant, near, sum(reach.tests[test] for test in near))
    files = {_file_of(test) for test in near}
    far = [test for test in reach.tests if _file_of(test) in files and test not in set(near)]
    if result.is_killed or not far:
        return result
    # What a file's tests share is seen to be run by the first of them alone.
    return judge(module, mutant, far, sum(reach.tests[test] for test in far))


def require_survival_of_no_change(module: str, reach: Reach) -> None:
    """Judge the module as it is by the way that mutants go: else each would seem killed."""
    tree = ast.parse(path_of(module).read_text("utf-8"))
    control = Mutant(tree, (1, 1), "no change", "control")
    result = judge(module, control, list(reach.tests), sum(reach.tests.values()))
    if result.is_killed:
        raise click.ClickException(f"Without a change, the forked tests fail: {result.by}.")


@click.command()
@click.argument("module")
@click.argument("tests", nargs=-1, required=True)
@click.option("--sample", type=click.IntRange(1), help="Draw so many mutants, not all.")
@click.option("--seed", default=1, show_default=True, help="Which are drawn.")
def mutate(module: str, tests: tuple[str, ...], sample: int | None, seed: int) -> None:
    """Change one thing of MODULE at a time, and run TESTS on it until one fails.

    Exit codes: 0 each mutant is killed or explained, 1 some are neither, 2 the tests fail as it is.
    """
    every = list(mutants(path_of(module).read_text("utf-8")))
    chosen = every
    if sample is not None and sample < len(every):
        chosen = random.Random(seed).sample(every, sample)
    results = Results(module, tests)
    known = results.read()
    waiting = [mutant for mutant in chosen if mutant.key not in known]
    click.echo(f"{module}: {len(chosen)} mutants, {len(chosen) - len(waiting)} known", err=True)
    if waiting:
        try:
            reach = find_reach(module, tests)
        except MutationFailed as failed:
            raise click.ClickException(str(failed)) from None
        load_libraries(reach.libraries)
        require_survival_of_no_change(module, reach)
        kills = Counter(each.by for each in known.values() if each.is_killed)
        for number, mutant in enumerate(waiting, 1):
            result = results.add(judge_by_reach(module, mutant, reach, kills))
            known[mutant.key] = result
            kills[result.by] += 1
            click.echo(f"{number}/{len(waiting)} {result.outcome:9} {mutant.change}", err=True)
    report = list(lines(module, [known[mutant.key] for mutant in chosen], count_max=len(every)))
    click.echo("\n".join(report))
    sys.exit(not report[-1].endswith(" 0 of them unexplained"))


if __name__ == "__main__":
    mutate(prog_name="./run mutate")
