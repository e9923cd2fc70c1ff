"""Mutation testing tests itself: what is changed, what is kept, and that a mutant is noticed."""

import ast
import itertools
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from tests.mutation import forking
from tests.mutation import results as results_module
from tests.mutation.__main__ import mutate, try_all
from tests.mutation.drawing import draw, judged_modules, read_table
from tests.mutation.forking import in_child
from tests.mutation.operators import mutants
from tests.mutation.report import Tried, interval, lines
from tests.mutation.results import Result, Results
from tests.support.environments import ROOT

SOURCE = '''
"""A module."""
LIMIT = 3


def price(count: int, *, is_late: bool = False) -> float:
    """Return what it costs."""
    if count > LIMIT and not is_late:
        raise ValueError("more than there are")
    return 0.5 * count
'''


def test_each_mutant_is_one_change_and_still_a_module():
    found = list(mutants(SOURCE))
    for mutant in found:
        compile(mutant.tree, "mutant", "exec")
    assert len({ast.unparse(mutant.tree) for mutant in found}) == len(found)
    assert ast.unparse(ast.parse(SOURCE)) not in {ast.unparse(mutant.tree) for mutant in found}


@pytest.mark.parametrize(
    "line",
    [
        "LIMIT = 4",
        "def price(count: int, *, is_late: bool=True) -> float:",
        "    if count >= LIMIT and (not is_late):",
        "    if count > LIMIT or not is_late:",
        "    if count > LIMIT and is_late:",
        "        pass",
        "    return 0.45 * count",
        "    return 0.5 / count",
        "    return None",
    ],
)
def test_what_a_slip_would_change_is_changed(line):
    assert any(line in ast.unparse(mutant.tree).splitlines() for mutant in mutants(SOURCE))


def test_words_for_people_and_types_are_left_alone():
    changes = [mutant.change for mutant in mutants(SOURCE)]
    assert [each for each in changes if "costs" in each or "than there are?" in each] == []


def test_a_change_of_one_definition_leaves_the_keys_of_the_others():
    before = {mutant.key for mutant in mutants(SOURCE)}
    after = {mutant.key for mutant in mutants(SOURCE.replace("LIMIT = 3", "LIMIT = 5"))}
    assert len(after & before) == len(before) - 1


@pytest.fixture
def known(tmp_path, monkeypatch):
    tests = tmp_path / "test_it.py"
    tests.write_text("def test_it(): pass")
    monkeypatch.setattr(results_module, "ROOT", tmp_path)
    return lambda: Results("module", ["test_it.py"], tmp_path / "kept")


def test_results_are_kept_and_a_survivor_is_tried_again_by_other_tests(known, tmp_path):
    killed, survivor = Result("a", 1, "x", "killed", "test_it"), Result("b", 2, "y", "survived")
    for each in (killed, survivor):
        known().add(each)
    assert set(known().read()) == {"a", "b"}
    (tmp_path / "test_it.py").write_text("def test_it(): assert True")
    assert set(known().read()) == {"a"}


def test_a_child_that_hangs_or_breaks_is_told_from_one_that_answers():
    assert in_child(lambda: [1, "x"], 30) == (True, [1, "x"])
    assert in_child(lambda: 1 // 0, 30) == (True, None)
    assert in_child(lambda: subprocess.run(("sleep", "600"), check=True), 0.2) == (False, None)


def test_a_pause_is_not_time_that_a_child_has_had(monkeypatch):
    reading, writing = os.pipe()
    calls = itertools.count()

    def clock() -> float:
        if not next(calls):
            return 0.0
        os.write(writing, b".")  # only now may the child end
        return 3_600.0

    monkeypatch.setattr(forking.time, "monotonic", clock)
    assert in_child(lambda: len(os.read(reading, 1)), 60) == (True, 1)
    os.close(reading)
    os.close(writing)


def test_an_interval_holds_its_share():
    low, high = interval(9, 10)
    assert low == pytest.approx(0.5958, abs=1e-4)
    assert high == pytest.approx(0.9821, abs=1e-4)


def test_the_report_says_which_survivors_nobody_has_explained():
    found = [Result("a", 1, "x -> y", "killed"), Result("b", 2, "y -> z", "survived")]
    *survivors, last = lines("module", [Tried("module", each) for each in found], count_max=2)
    assert survivors == ["  module:2  y -> z"]
    assert last == "module: 1 of 2 killed, 50.0%; 1 survive, 1 of them unexplained"


def test_each_module_of_a_package_that_is_drawn_from_has_its_tests_or_a_reason():
    table = read_table()
    named = [each for group in (*table.judged, *table.left_out) for each in group.modules]
    there = {
        f"{folder.replace('/', '.')}.{file.stem}"
        for folder in ("protocol", "edge/bills")
        for file in (ROOT / folder).glob("*.py")
        if file.stem != "__init__"
    }
    assert sorted(named) == sorted(there)
    tests = {each for group in table.judged for each in group.tests}
    assert [each for each in tests if not (ROOT / each).exists()] == []


def test_a_draw_is_over_all_modules_and_the_same_each_time():
    modules = judged_modules(["protocol", "edge.bills"])
    assert "edge.bills.judge" not in modules
    small = {each: modules[each] for each in ("protocol.doubt", "protocol.ids", "protocol.backoff")}
    first, count_max = draw(small, 30, 1)
    keys = [each.mutant.key for each in first]
    assert keys == [each.mutant.key for each in draw(small, 30, 1)[0]]
    assert keys != [each.mutant.key for each in draw(small, 30, 2)[0]]
    assert {each.module for each in first} == set(small)
    assert len(set(keys)) == 30 < count_max == len(draw(small, None, 1)[0])


def test_an_interrupt_leaves_the_first_of_those_that_were_drawn():
    class Interrupted:
        def __init__(self, left: int):
            self.left = left

        def find(self, _drawn):
            return None

        def judge(self, drawn):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return Result(drawn.mutant.key, 1, drawn.mutant.change, "killed")

    chosen, _ = draw({"protocol.ids": ()}, 5, 1)
    keys = [each.result.key for each in try_all(Interrupted(3), chosen)]
    assert keys == [each.mutant.key for each in chosen[:3]]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Give MODULE and TESTS"),
        (("protocol.ids",), "Give MODULE and TESTS"),
        (("protocol.ids", "tests/unit", "--all-of", "protocol"), "or --all-of PACKAGE."),
        (("--all-of", "protocols"), "modules.toml has no module of protocols."),
    ],
)
def test_what_is_not_understood_is_refused(arguments, sentence):
    asked = CliRunner().invoke(mutate, arguments)
    assert asked.exit_code == 2
    assert sentence in asked.output


def run_mutate(directory, *arguments):
    return subprocess.run(
        (sys.executable, "-c", MUTATE, str(directory), *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_what_is_tested_well_kills_its_mutants_and_no_change_is_noticed(tmp_path):
    """The command itself begins with a mutant of no change, and refuses to go on if it is killed."""
    tests = "tests/unit/protocol/test_backoff.py"
    done = run_mutate(tmp_path, "protocol.backoff", tests, "--sample", "4")
    last = done.stdout.splitlines()[-1]
    assert re.match(r"protocol.backoff: [1-4] of 4 killed, drawn of \d+ \[", last), done.stderr
    assert len((tmp_path / "protocol.backoff.jsonl").read_bytes().splitlines()) == 4


@pytest.mark.long
def test_a_drawn_sample_over_modules_goes_on_where_it_was_ended(tmp_path):
    """Modules that share their tests are judged after one run of these."""
    (tmp_path / "modules.toml").write_text(TABLE, "utf-8")
    arguments = ("--all-of", "protocol", "--sample")
    first = run_mutate(tmp_path, *arguments, "3")
    assert re.search(r"protocol: \d of 3 killed, drawn of \d+ \[", first.stdout), first.stderr
    again = run_mutate(tmp_path, *arguments, "3")
    assert "3 mutants, 3 known" in again.stderr
    assert again.stdout == first.stdout


TABLE = """
left_out = []
[[judged]]
modules = ["protocol.backoff", "protocol.errors"]
tests = ["tests/unit/protocol/test_backoff.py"]
"""
MUTATE = """
import sys
from pathlib import Path
from tests.mutation import drawing, results
results.DIRECTORY = Path(sys.argv[1])
drawing.TABLE = results.DIRECTORY / "modules.toml"
from tests.mutation.__main__ import mutate
mutate(sys.argv[2:])
"""
