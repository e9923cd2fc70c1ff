"""Scores with their intervals, and survivors with what is known of them."""

import functools
import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.mutation.results import Result

EXPLAINED = Path(__file__).with_name("survivors.toml")
_Z_95 = 1.96


class Explained(msgspec.Struct, frozen=True):
    """Survivors that no test can or need kill: the changes as they are printed, and why."""

    changes: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Tried:
    """What became of a mutant of a module."""

    module: str
    result: Result


@functools.cache
def explained(module: str) -> dict[str, str]:
    """Return the reason for each change of `module` that may survive."""
    known = tomllib.loads(EXPLAINED.read_text("utf-8")).get(module, [])
    return {
        change: each.why
        for each in msgspec.convert(known, list[Explained])
        for change in each.changes
    }


def interval(killed: int, total: int) -> tuple[float, float]:
    """Return the bounds of a share with 95 % confidence, after Wilson."""
    share, z2 = killed / total, _Z_95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z_95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return middle - half, middle + half


def is_explained(tried: Tried) -> bool:
    """Return whether a mutant is killed, or survives for a reason that is written down."""
    return tried.result.is_killed or tried.result.change in explained(tried.module)


def lines(name: str, tried: Sequence[Tried], *, count_max: int) -> Iterator[str]:
    """Yield the report on modules of which `count_max` mutants can be made."""
    survivors = [each for each in tried if not each.result.is_killed]
    killed, total = len(tried) - len(survivors), len(tried)
    unexplained = [each for each in survivors if not is_explained(each)]
    for each in sorted(survivors, key=lambda tried: (tried.module, tried.result.line)):
        unreached = "no test reaches it" * (each.result.outcome == "unreached")
        why = explained(each.module).get(each.result.change, unreached)
        yield f"  {each.module}:{each.result.line}  {each.result.change}"
        if why:
            yield f"      {why}"
    if not total:
        yield f"{name}: nothing to mutate"
        return
    low, high = interval(killed, total)
    drawn = f", drawn of {count_max} [{low:.1%} to {high:.1%}]" if total < count_max else ""
    yield (
        f"{name}: {killed} of {total} killed{drawn}, {killed / total:.1%}; "
        f"{len(survivors)} survive, {len(unexplained)} of them unexplained"
    )
