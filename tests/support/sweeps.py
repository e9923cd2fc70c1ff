"""Sweeps over cases: every run takes some of them, `./run test --all` the rest as well."""

import os
from collections.abc import Iterable
from typing import Any

import pytest


def swept(cases: Iterable[Any], each: int) -> list[Any]:
    """Return the cases for `parametrize`: the first of each so many belongs to every run."""
    return [case if n % each == 0 else _rare(case) for n, case in enumerate(cases)]


def examples(every_run: int, in_all: int) -> int:
    """Return on how many examples a property is tried: in every run, or in `./run test --all`."""
    return in_all if os.environ.get("VOLET_TEST_ALL") else every_run


def _rare(case: Any) -> Any:
    if hasattr(case, "marks"):
        return pytest.param(*case.values, marks=[*case.marks, pytest.mark.long], id=case.id)
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.long)
