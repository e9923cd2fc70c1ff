"""The page of promises has every field of every signed document once, and names what there is."""

import importlib
import re
import typing
from functools import reduce
from pathlib import Path

import msgspec
import pytest

from protocol.contract import Acceptance, Contract, Offer, Signed, StatementRequest
from protocol.enrolment import Enrolment, EnrolmentRecord, EnrolmentRequest
from protocol.moving import Termination

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/promises.md").read_text("utf-8")
NOBODY = "nobody: "
# What people sign; the structs inside them are found by their types.
SIGNED = (
    Offer,
    Contract,
    Acceptance,
    StatementRequest,
    Signed,
    EnrolmentRequest,
    EnrolmentRecord,
    Enrolment,
    Termination,
)
FUNCTION = re.compile(r"`((?:protocol|edge|cloud)\.[\w.]+)`")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def structs_in(hint):
    """The structs that a type is made of."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for part in typing.get_args(hint):
        yield from structs_in(part)


def documents():
    """All types of document, those inside others included."""
    found, left = [], list(SIGNED)
    while left:
        kind = left.pop(0)
        if kind not in found:
            found.append(kind)
            for hint in typing.get_type_hints(kind).values():
                left += structs_in(hint)
    return found


def promises():
    """Each row of the page: (document, field, who holds it, its tests)."""
    document = ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            document = line[3:]
        elif line.startswith("| `"):
            field, _, holder, tests = (cell.strip() for cell in line.strip("|").split(" | "))
            yield document, field.strip("`"), holder, tests


ROWS = list(promises())


def test_each_field_of_each_document_stands_on_the_page_once():
    fields = [
        (kind.__name__, field.name)
        for kind in documents()
        for field in msgspec.structs.fields(kind)
    ]
    assert sorted((document, field) for document, field, _, _ in ROWS) == sorted(fields)


@pytest.mark.parametrize(
    ("holder", "tests"), [row[2:] for row in ROWS], ids=[".".join(row[:2]) for row in ROWS]
)
def test_who_holds_a_field_and_the_test_of_it_exist(holder, tests):
    if holder.startswith(NOBODY):
        assert len(holder) > len(NOBODY), "say why nobody can"
        assert tests == "–"
        return
    functions, named = FUNCTION.findall(holder), TEST.findall(tests)
    assert functions, "name the function that holds it"
    assert named, "name the test that is red without it"
    for function in functions:
        assert callable(found(function)), function
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), test


def found(name):
    """The function or method of this dotted name."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[length:], module)
    raise AssertionError(f"there is no {name}")
