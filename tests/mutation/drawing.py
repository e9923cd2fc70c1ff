"""Draws mutants from many modules, each with the unit tests that judge it."""

import random
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.mutation.forking import path_of
from tests.mutation.operators import Mutant, mutants

TABLE = Path(__file__).with_name("modules.toml")


class Judged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Modules, and the files and folders of tests that judge each of them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Modules from which nothing is drawn, and why."""

    modules: tuple[str, ...]
    why: str


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `modules.toml` holds."""

    judged: tuple[Judged, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Drawn:
    """A mutant and the module that it changes."""

    module: str
    mutant: Mutant


def read_table() -> Table:
    """Return which tests judge which modules."""
    return msgspec.convert(tomllib.loads(TABLE.read_text("utf-8")), Table)


def judged_modules(packages: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the modules of `packages` from which mutants are drawn, with their tests."""
    return {
        module: group.tests
        for package in packages
        for group in read_table().judged
        for module in group.modules
        if module.startswith(f"{package}.")
    }


def draw(modules: Mapping[str, object], count: int | None, seed: int) -> tuple[list[Drawn], int]:
    """Draw `count` mutants from all those of `modules`, or take all in the order of their lines.

    Returns:
        The drawn mutants, of which the first n are a fair sample too, and how many there are.
    """
    every = [
        Drawn(module, mutant)
        for module in sorted(modules)
        for mutant in mutants(path_of(module).read_text("utf-8"))
    ]
    if count is None or count >= len(every):
        return every, len(every)
    return random.Random(seed).sample(every, count), len(every)
