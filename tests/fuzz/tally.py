"""Adds up what each target has had, over all runs, in DIRECTORY/results.jsonl.

A run appends a line when a slice ends, so that whoever ends it takes at most that slice away.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

NAME = "results.jsonl"


class Result(msgspec.Struct, frozen=True):
    """What one slice showed.

    `found` are files below the runs' directory, wherever that is, since the project keeps them.
    `seconds` passed, in which inputs had `cpu_s` of a core: what else the machine does makes the
    former longer.
    """

    target: str
    executions: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    peak_mb: int = 0
    corpus: int = 0
    found: tuple[str, ...] = ()


class Sum(msgspec.Struct, frozen=True):
    """What one target has had."""

    executions: int = 0
    cpu_s: float = 0.0
    peak_mb: int = 0
    found: int = 0

    def and_also(self, result: Result) -> "Sum":
        """Return the sum with one slice more."""
        return Sum(
            self.executions + result.executions,
            self.cpu_s + result.cpu_s,
            max(self.peak_mb, result.peak_mb),
            self.found + len(result.found),
        )


class Tally:
    """The slices of all runs in a directory, of these targets."""

    def __init__(self, directory: Path, targets: Collection[str]):
        self._file = directory / NAME
        self._targets = targets

    def add(self, result: Result) -> None:
        """Append a slice. Several runs may do so at once."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab", buffering=0) as file:
            file.write(msgspec.json.encode(result) + b"\n")

    def sums(self) -> dict[str, Sum]:
        """Return what each target has had, the least fuzzed first."""
        sums = dict.fromkeys(self._targets, Sum())
        for result in self._results():
            if result.target in sums:
                sums[result.target] = sums[result.target].and_also(result)
        return dict(sorted(sums.items(), key=lambda item: item[1].cpu_s))

    def _results(self) -> Iterator[Result]:
        if self._file.exists():
            for line in self._file.read_bytes().splitlines():
                try:
                    yield msgspec.json.decode(line, type=Result)
                except msgspec.MsgspecError:
                    continue  # the machine stopped while it was written

    def lines(self) -> Iterator[str]:
        """Return a line for each target and one for all."""
        sums = self.sums()
        for name, each in sums.items():
            yield (
                f"{name:<32}{each.executions:>12} executions{each.cpu_s / 60:>8.1f} min"
                f"{each.peak_mb:>6} MB  found {each.found}"
            )
        executions = sum(each.executions for each in sums.values())
        least_min = min((each.cpu_s for each in sums.values()), default=0.0) / 60
        hours = sum(each.cpu_s for each in sums.values()) / 3_600
        yield (
            f"{len(sums)} targets: {executions} executions, {hours:.2f} core-hours in all, "
            f"at least {least_min:.1f} min each"
        )
