"""Scores with their intervals, and survivors with what is known of them."""

import math
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.mutation.results import Result

EXPLAINED = Path(__file__).with_name("survivors.toml")
_Z_95 = 1.96


class Explained(msgspec.Struct, frozen=True):
    """Survivors that no test can or need kill: the changes as they are printed, and why."""

    changes: tuple[str, ...]
    why: str


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


def lines(module: str, results: Sequence[Result], *, count_max: int) -> Iterator[str]:
    """Yield the report on a module of which `count_max` mutants can be made."""
    reasons = explained(module)
    survivors = [each for each in results if not each.is_killed]
    killed, total = len(results) - len(survivors), len(results)
    unexplained = [each for each in survivors if each.change not in reasons]
    for each in survivors:
        why = reasons.get(each.change, "no test reaches it" * (each.outcome == "unreached"))
        yield f"  {each.line:4}  {each.change}" + (f"\n        {why}" if why else "")
    if not total:
        yield f"{module}: nothing to mutate"
        return
    low, high = interval(killed, total)
    drawn = f", drawn of {count_max} [{low:.1%} to {high:.1%}]" if total < count_max else ""
    yield (
        f"{module}: {killed} of {total} killed{drawn}, {killed / total:.1%}; "
        f"{len(survivors)} survive, {len(unexplained)} of them unexplained"
    )
