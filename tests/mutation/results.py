"""What became of each mutant, kept by the hash of the changed code and of its tests."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from tests.mutation.forking import ROOT

DIRECTORY = ROOT / "build" / "mutation"
Outcome = Literal["killed", "timeout", "survived", "unreached"]


class Result(msgspec.Struct, frozen=True):
    """What became of one mutant.

    Attributes:
        key: the mutant's hash.
        by: the test that killed it; empty if none did.
        tests: hash of the tests that it survived; those it was killed by may change.

    """

    key: str
    line: int
    change: str
    outcome: Outcome
    by: str = ""
    tests: str = ""

    @property
    def is_killed(self) -> bool:
        return self.outcome in {"killed", "timeout"}


class Results:
    """A file of results for one module; each is written as soon as it is known."""

    def __init__(self, module: str, tests: Sequence[str], directory: Path | None = None):
        self._file = (directory or DIRECTORY) / f"{module}.jsonl"
        self._tests = hash_of(tests)

    def read(self) -> dict[str, Result]:
        """Return what still holds: a survivor of other tests is tried again."""
        if not self._file.exists():
            return {}
        found = {}
        for line in self._file.read_bytes().splitlines():
            result = msgspec.json.decode(line, type=Result)
            found[result.key] = result
        return {
            key: each for key, each in found.items() if each.is_killed or each.tests == self._tests
        }

    def add(self, result: Result) -> Result:
        """Append a result; returns it with the tests that it is of."""
        kept = msgspec.structs.replace(result, tests=self._tests)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as file:
            file.write(msgspec.json.encode(kept) + b"\n")
        return kept


def hash_of(tests: Sequence[str]) -> str:
    """Return a hash of the source of `tests`, which are files, folders or ids of pytest."""
    files = set()
    for each in tests:
        path = ROOT / each.partition("::")[0]
        files |= set(path.rglob("*.py")) if path.is_dir() else {path}
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()[:20]
