"""No program loads rich with structlog; one that prints tables still has it."""

import subprocess
import sys

import pytest

LOADED = (
    "import sys, {first}, structlog; "
    "print('rich' in sys.modules, structlog.dev.rich is None); "
    "import rich.table; print(rich.table.Table.__name__)"
)


def printed(first: str) -> list[str]:
    command = (sys.executable, "-c", LOADED.format(first=first))
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize("first", ["volet.main", "system.bare_structlog"])
def test_structlog_is_loaded_without_rich_which_is_still_there(first):
    assert printed(first) == ["False", "True", "Table"]


def test_structlog_alone_would_load_it():
    assert printed("os") == ["True", "False", "Table"]
