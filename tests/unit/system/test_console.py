"""Tables are printed by the one console that takes text for text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.table import Table

from system.console import counted, plain_console
from tests.support.product import PRODUCT

ROOT = Path(__file__).parents[3]
MODULES = [
    path
    for package in ("benchmarks", *PRODUCT)
    for path in (ROOT / package).rglob("*.py")
    if path != ROOT / "system/console.py"
]


@pytest.mark.parametrize("text", ["[/red]", "[link=x]y[/link]", ":warning:", "\\[x]"])
def test_text_is_printed_as_it_is(text):
    console = plain_console(80)
    with console.capture() as got:
        table = Table(text, title=text)
        table.add_row(text)
        console.print(table)
        console.print(text)
    assert got.get().count(text) == 4


def nodes(*words: str) -> Iterator[tuple[Path, ast.AST]]:
    """Yield the syntax of each module in whose text one of the words stands."""
    for path in MODULES:
        text = path.read_text()
        if any(word in text for word in words):
            yield from ((path, node) for node in ast.walk(ast.parse(text)))


def test_no_module_makes_another_console_or_prints_with_markup():
    calls = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, node in nodes("Console", "rprint", "markup")
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in {"Console", "rprint"})
            or any(word.arg == "markup" for word in node.keywords)
        )
    }
    imports = {
        str(path.relative_to(ROOT))
        for path, node in nodes("rich")
        if isinstance(node, ast.ImportFrom)
        and node.module in {"rich", "rich.markup"}
        and any(each.name in {"print", "get_console", "escape"} for each in node.names)
    }
    assert (calls, imports) == (set(), set())


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (1_000, "1000 days")]
)
def test_only_one_is_singular(number, words):
    assert counted(number, "day") == words


def test_a_noun_may_have_a_plural_of_its_own():
    assert [counted(number, "entry", "entries") for number in (1, 2)] == ["1 entry", "2 entries"]
