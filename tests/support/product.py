"""The packages that make up Volet, and their source, for tests that read it."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

PRODUCT = (
    *("protocol", "system", "mosquitto", "tariffs"),
    *("edge", "trustee", "provider", "monitor", "cloud", "volet"),
)

ROOT = Path(__file__).parents[2]


def sources_with(words: Iterable[str], packages: Iterable[str] = PRODUCT) -> Iterator[Path]:
    """Yield the modules in whose text one of the words stands.

    To parse all modules takes two seconds, so that a test which looks for a word parses no others.
    """
    wanted = tuple(words)
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            text = path.read_text("utf-8")
            if any(word in text for word in wanted):
                yield path


def parts_of_f_strings(tree: ast.AST) -> set[int]:
    """Return the ids of the nodes that are a part of an f-string, and no text of their own."""
    return {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
