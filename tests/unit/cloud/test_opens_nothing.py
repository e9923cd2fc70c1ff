"""The collectivity's code has nothing that opens what is sealed to households, providers, trustees."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# What takes a private key of one of them, by the module that defines it.
OPENING = {
    "protocol.hpke": {"SealingKey"},
    "protocol.keys": {"HouseholdSecret"},
    "protocol.letters": {"open_letter"},
    "protocol.receipt": {"open_receipt"},
    "protocol.seal": {"SealSecret", "open_sum"},
    "protocol.seeds": {"open_letter", "month_keys"},
    "protocol.year_keys": {"YearKeys"},
}


def opening_names(source):
    """Return what a module imports that opens, or a whole module with such a thing."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names} & OPENING.get(node.module or "", set())
            names |= {f"{node.module}.{alias.name}" for alias in node.names} & OPENING.keys()
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names} & OPENING.keys()
    return names


def test_no_module_of_the_collectivity_or_a_monitor_opens_what_others_are_to_open():
    opening = {
        str(path.relative_to(ROOT)): names
        for party in ("cloud", "monitor")
        for path in sorted((ROOT / party).rglob("*.py"))
        if (names := opening_names(path.read_text("utf-8")))
    }
    assert not opening


@pytest.mark.parametrize("party", ["edge", "provider", "trustee"])
def test_those_who_open_are_found_this_way(party):
    sources = (path.read_text("utf-8") for path in (ROOT / party).rglob("*.py"))
    assert any(opening_names(source) for source in sources)


@pytest.mark.parametrize(
    "source",
    ["import protocol.hpke", "from protocol import keys", "from protocol.seeds import open_letter"],
)
def test_each_way_of_importing_is_found(source):
    assert opening_names(source)
