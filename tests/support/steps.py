"""Counts what a program does, where its time would depend on the machine."""

import sys
from collections.abc import Callable


def steps_of(do: Callable[[], object]) -> int:
    """Return how many functions this thread calls for it, those of the interpreter too."""
    steps = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal steps
        steps += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(None)
    return steps
