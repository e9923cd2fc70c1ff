"""A constructor hands itself to nobody: whoever is called back would find half of an object."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.product import ROOT, sources_with

FINE = {
    ("edge/mqtt/link.py", "ChipLink"): "its thread runs from `start` on",
    ("edge/home/link.py", "HomeLink"): "its thread runs from `start` on",
    ("edge/status/line.py", "LineWatch"): "the clock of its conditions, asked when it looks",
    (
        "system/mqtt/link.py",
        "_Connection",
    ): "the library, made whole, is called back once it connects",
    (
        "edge/contracts/catalogue.py",
        "Copy",
    ): "its catalogue loads documents once they are asked for",
    ("protocol/catalogue.py", "Catalogue"): "a method that is remembered; nothing calls it yet",
    ("protocol/quotes.py", "Weights"): "two methods that are remembered; nothing calls them yet",
}


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def methods_of(kind: ast.ClassDef) -> set[str]:
    return {
        each.name
        for each in kind.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and not each.decorator_list
    }


def is_method(node: ast.AST, methods: set[str]) -> bool:
    return isinstance(node, ast.Attribute) and is_self(node.value) and node.attr in methods


def handed_over(given: ast.AST, methods: set[str]) -> Iterator[int]:
    """Yield the lines in which an argument is the object, or calls it back."""
    called = {id(each.func) for each in ast.walk(given) if isinstance(each, ast.Call)}
    for part in ast.walk(given):
        if (isinstance(part, ast.Lambda) and any(map(is_self, ast.walk(part)))) or (
            is_method(part, methods) and id(part) not in called
        ):
            yield part.lineno
    if is_self(given):
        yield given.lineno


def faults_of(kind: ast.ClassDef) -> Iterator[int]:
    """Yield the lines in which a class's constructor hands the object over."""
    for init in kind.body:
        if not isinstance(init, ast.FunctionDef) or init.name != "__init__":
            continue
        for node in ast.walk(init):
            if isinstance(node, ast.Call):
                for given in (*node.args, *(each.value for each in node.keywords)):
                    yield from handed_over(given, methods_of(kind))
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute) and not is_self(target.value):
                        yield from handed_over(node.value, methods_of(kind))


def classes(text: str) -> Iterator[ast.ClassDef]:
    return (each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.ClassDef))


def test_no_constructor_hands_its_object_over_before_it_is_whole():
    found = {
        (str(path.relative_to(ROOT)), kind.name)
        for path in sources_with(["def __init__"])
        for kind in classes(path.read_text("utf-8"))
        if any(faults_of(kind))
    }
    assert found == set(FINE)


@pytest.mark.parametrize(
    "line",
    [
        "self.lane = Lane(self.look_up)",
        "self.lane = Lane(Options(found=self.look_up))",
        "self.lane = Lane(lambda: self.chip.listed)",
        "self.lane = Lane(self)",
        "vault.contribute = self.look_up",
    ],
)
def test_each_way_to_do_so_is_noticed(line):
    text = f"""
class Agent:
    def __init__(self, vault):
        self.vault = vault
        {line}

    def look_up(self):
        return self.chip.listed
"""
    assert any(faults_of(kind) for kind in classes(text) for _ in faults_of(kind))


def test_what_an_object_works_out_of_its_own_is_no_fault():
    text = """
class Agent:
    def __init__(self, vault):
        self.vault = vault
        self.lane = Lane(self.vault, self.look_up())

    def look_up(self):
        return self.vault.listed
"""
    assert not any(any(faults_of(kind)) for kind in classes(text))
