"""Fuzzing goes on elsewhere from what the project keeps."""

from pathlib import Path

import msgspec

from tests.fuzz.kept import CORPUS, KEPT, keep, resume
from tests.fuzz.tally import NAME, Result, Tally

TARGETS = ("bundle", "tic-line")


def fuzzed(directory):
    Tally(directory, TARGETS).add(Result("bundle", 10, cpu_s=2.5))
    for name, data in (("seed-0", b"s"), ("a1", b"\x00\xff"), ("b2", b"")):
        path = directory / "bundle" / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def test_another_machine_goes_on_from_corpus_and_tally(tmp_path):
    here, there, kept = tmp_path / "here", tmp_path / "there", tmp_path / "kept"
    fuzzed(here)
    assert keep(here, TARGETS, kept) == 2
    resume(there, kept)
    assert Tally(there, TARGETS).sums() == Tally(here, TARGETS).sums()
    assert {path.name: path.read_bytes() for path in (there / "bundle/corpus").iterdir()} == {
        "a1": b"\x00\xff",
        "b2": b"",
    }


def test_what_a_directory_has_of_its_own_stays(tmp_path):
    fuzzed(tmp_path / "here")
    keep(tmp_path / "here", TARGETS, tmp_path / "kept")
    Tally(tmp_path / "own", TARGETS).add(Result("bundle", 99, cpu_s=9.0))
    own = (tmp_path / "own" / NAME).read_bytes()
    resume(tmp_path / "own", tmp_path / "kept")
    assert (tmp_path / "own" / NAME).read_bytes() == own


def test_without_anything_kept_a_run_begins_anew(tmp_path):
    resume(tmp_path / "new", tmp_path / "kept")
    assert not (tmp_path / "new").exists()


def test_the_same_inputs_are_packed_into_the_same_bytes(tmp_path):
    fuzzed(tmp_path / "here")
    packed = []
    for _ in range(2):
        keep(tmp_path / "here", TARGETS, tmp_path / "kept")
        packed.append((tmp_path / "kept" / CORPUS).read_bytes())
    assert packed[0] == packed[1]


def test_what_is_kept_names_no_place_of_the_machine_that_found_it():
    lines = (KEPT / NAME).read_bytes().splitlines()
    found = [each for line in lines for each in msgspec.json.decode(line, type=Result).found]
    assert found
    assert not [each for each in found if Path(each).is_absolute()]
