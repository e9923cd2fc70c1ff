"""No program loads rich or greenlet with structlog; one that needs either still has it."""

import subprocess
import sys

import pytest

NAMES = ("rich", "greenlet")
LOADED = (
    "import sys, {first}, structlog; "
    "print(*(name in sys.modules for name in {names}), structlog.dev.rich is None); "
    "import rich.table, greenlet; print(rich.table.Table.__name__, greenlet.greenlet.__name__)"
)


def printed(first: str) -> list[str]:
    command = (sys.executable, "-c", LOADED.format(first=first, names=NAMES))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("first", ["volet.main", "system.bare_structlog"])
def test_structlog_is_loaded_without_them_and_they_are_still_there(first):
    assert printed(first) == ["False", "False", "True", "Table", "greenlet"]


def test_structlog_alone_would_load_them():
    assert printed("os") == ["True", "True", "False", "Table", "greenlet"]
