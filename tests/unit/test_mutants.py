"""Mutation testing tests itself: what is changed, what is kept, and that a mutant is noticed."""

import ast
import re
import subprocess
import sys

import pytest

from tests.mutation import results as results_module
from tests.mutation.forking import in_child
from tests.mutation.operators import mutants
from tests.mutation.report import interval, lines
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


def test_an_interval_holds_its_share():
    low, high = interval(9, 10)
    assert low == pytest.approx(0.5958, abs=1e-4)
    assert high == pytest.approx(0.9821, abs=1e-4)


def test_the_report_says_which_survivors_nobody_has_explained():
    found = [Result("a", 1, "x -> y", "killed"), Result("b", 2, "y -> z", "survived")]
    *survivors, last = lines("module", found, count_max=2)
    assert survivors == ["     2  y -> z"]
    assert last == "module: 1 of 2 killed, 50.0%; 1 survive, 1 of them unexplained"


def test_what_is_tested_well_kills_its_mutants_and_no_change_is_noticed(tmp_path):
    """The command itself begins with a mutant of no change, and refuses to go on if it is killed."""
    arguments = ("protocol.backoff", "tests/unit/protocol/test_backoff.py", "--sample", "4")
    done = subprocess.run(
        (sys.executable, "-c", MUTATE, str(tmp_path), *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    assert re.match(r"protocol.backoff: [1-4] of 4 killed, drawn of \d+ \[", last), done.stderr
    assert len((tmp_path / "protocol.backoff.jsonl").read_bytes().splitlines()) == 4


MUTATE = """
import sys
from pathlib import Path
from tests.mutation import results
results.DIRECTORY = Path(sys.argv[1])
from tests.mutation.__main__ import mutate
mutate(sys.argv[2:])
"""
