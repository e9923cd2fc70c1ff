"""Everything in the product is used by the product, a benchmark or the documentation."""

import pytest

from tests.support.environments import ROOT
from tests.support.product import PRODUCT

vulture = pytest.importorskip("vulture", reason="vulture is not installed; run ./run setup")

# What a library calls by its name, and what tests begin with.
CALLED_BY_NAME = {
    "capture_signals": "uvicorn, which would heed signals in the monitor's place",
    "get_metavar": "click, on an argument of its own kind",
    "readuntil": "asyncio's reader, in a benchmark's peer",
    "send_400_response": "uvicorn, for what is no HTTP",
    "MeterId": "a name for people who read metering's events",
}
# Commands and routes are found by what decorates them.
DECORATORS = ["@*.command", "@click.*", "@*_option", "@command", "@get", "@post"]
KINDS = {"function", "method", "class", "property", "import"}


def unused(*paths):
    found = vulture.Vulture(ignore_decorators=DECORATORS)
    found.scavenge([str(path) for path in paths])
    return {each.name for each in found.get_unused_code() if each.typ in KINDS}


def test_nothing_stands_that_only_tests_use():
    beside = (ROOT / "benchmarks", ROOT / "docs" / "generate.py", ROOT / "docs" / "limits.py")
    assert unused(*(ROOT / name for name in PRODUCT), *beside) == set(CALLED_BY_NAME)


def test_a_function_without_a_caller_is_found(tmp_path):
    (tmp_path / "module.py").write_text("def _has_spoken() -> bool:\n    return True\n")
    assert unused(tmp_path) == {"_has_spoken"}
