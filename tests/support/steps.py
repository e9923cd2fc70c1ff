"""The steps of a program: counted, where its time would depend on the machine, and cut short at each."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator

# The functions by which a program changes or locks files, or talks to another program.
_STEPS = frozenset(
    [
        "open",
        "fdopen",
        "write",
        "flush",
        "fsync",
        "close",
        "replace",
        "rename",
        "link",
        "unlink",
        "mkdir",
        "chmod",
        "flock",
        "connect",
        "sendall",
    ]
)


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


def killed_at_each_step(do: Callable[[], object]) -> Iterator[int]:
    """Do it in processes of its own, each killed (SIGKILL) before one more of its steps; yield after each.

    The last one is done to its end, and nothing is yielded for it.
    """
    for number in range(10_000):
        if (child := os.fork()) == 0:
            _do_until(do, number)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert not os.WEXITSTATUS(status), f"it failed at step {number}; see above"
            return
        yield number


def _do_until(do: Callable[[], object], number: int) -> None:
    """Do it in the child, which ends here, before its step of that number."""
    left = number

    def count(_frame: object, event: str, argument: object) -> None:
        nonlocal left
        if event == "c_call" and getattr(argument, "__name__", "") in _STEPS:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    status = 1
    try:
        sys.setprofile(count)
        do()
        status = 0
    except BaseException:  # noqa: BLE001 - the parent is told
        traceback.print_exc()
    finally:
        sys.setprofile(None)
        os._exit(status)
