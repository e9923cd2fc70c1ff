"""What fuzzing has had adds up over runs that are ended, and the least fuzzed comes first."""

from tests.fuzz.tally import NAME, Result, Sum, Tally

TARGETS = ("bundle", "tic-line", "chip-ack")


def test_slices_of_many_runs_add_up(tmp_path):
    Tally(tmp_path, TARGETS).add(Result("bundle", 10, 9.0, 2.5, 130, found=("a",)))
    Tally(tmp_path, TARGETS).add(Result("bundle", 5, 9.0, 1.5, 120))
    assert Tally(tmp_path, TARGETS).sums()["bundle"] == Sum(15, 4.0, 130, 1)


def test_the_target_that_had_least_of_a_core_comes_first(tmp_path):
    tally = Tally(tmp_path, TARGETS)
    tally.add(Result("bundle", seconds=1.0, cpu_s=3.0))
    tally.add(Result("tic-line", seconds=900.0, cpu_s=2.0))
    assert list(tally.sums()) == ["chip-ack", "tic-line", "bundle"]


def test_a_line_that_was_cut_off_takes_no_other_away(tmp_path):
    tally = Tally(tmp_path, TARGETS)
    tally.add(Result("bundle", 10, cpu_s=2.0))
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole + whole[:20] + b"\n" + whole)
    assert tally.sums()["bundle"].executions == 20


def test_the_tally_names_what_had_least_and_all_core_hours(tmp_path):
    tally = Tally(tmp_path, TARGETS[:2])
    tally.add(Result("bundle", 10, cpu_s=1_800.0))
    tally.add(Result("tic-line", 20, cpu_s=5_400.0))
    *_, last = tally.lines()
    assert last == "2 targets: 30 executions, 2.00 core-hours in all, at least 30.0 min each"
