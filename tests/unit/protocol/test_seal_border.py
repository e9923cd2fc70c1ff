"""SEAL's loader is given nothing but what this project laid out, held in the source itself."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.support.product import PRODUCT

ROOT = Path(__file__).parents[3]
ADAPTER = "protocol/seal.py"
FORM = "protocol/seal_form.py"
# What takes SEAL's or TenSEAL's own serialization in, by whatever name.
LOADERS = {"load", "unsafe_load", "load_members", "context_from", "__setstate__"}


def sources():
    return {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for package in PRODUCT
        for path in (ROOT / package).rglob("*.py")
    }


def names_seal(node):
    match node:
        case ast.Import(names=names):
            return any(each.name.split(".")[0] == "tenseal" for each in names)
        case ast.ImportFrom(module=str(module)):
            return module.split(".")[0] == "tenseal"
        case ast.Name(id="sealapi") | ast.Attribute(attr="sealapi"):
            return True
        case ast.Constant(value=str(text)):
            return text.split(".")[0] == "tenseal"
    return False


def functions(tree):
    return [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]


def loads(tree):
    """Yield each use of a loader: the attribute, or its name as a text for `getattr`."""
    for node in ast.walk(tree):
        if (isinstance(node, ast.Attribute) and node.attr in LOADERS) or (
            isinstance(node, ast.Constant) and node.value in LOADERS
        ):
            yield node


def called(node, name):
    return isinstance(node, ast.Call) and getattr(node.func, "id", None) == name


def is_laid_out(argument):
    """Say whether an argument was laid out on the spot, or is a parameter that says it was."""
    match argument:
        case ast.Name(id="laid_out"):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="FORM"))):
            return True
    return False


def breaches(found):
    """Return what breaks the border in sources by path."""
    for path, text in found.items():
        yield from _module_breaches(path, text)
    yield from _adapter_breaches(ast.parse(found[ADAPTER]))
    makers = [
        each.name
        for each in functions(ast.parse(found[FORM]))
        if any(called(node, "LaidOut") for node in ast.walk(each))
    ]
    if makers != ["_whole"]:
        yield f"{FORM}: {makers} make LaidOut"


@cache
def _module_breaches(path, text):
    nodes = list(ast.walk(ast.parse(text)))
    made = []
    if path != ADAPTER and any(names_seal(node) for node in nodes):
        made.append(f"{path} knows TenSEAL")
    if path != FORM and any(called(node, "LaidOut") for node in nodes):
        made.append(f"{path} makes LaidOut of bytes")
    return made


def _adapter_breaches(tree):
    (loader,) = [each for each in functions(tree) if each.name == "_load"]
    allowed = list(loads(loader))
    if len(allowed) != 1 or len(list(loads(tree))) != 1:
        yield "SEAL loads in more than one place"
    writes = [n for n in ast.walk(loader) if isinstance(n, ast.Call) and is_write(n)]
    if [ast.unparse(each.args[0]) for each in writes] != ["laid_out.data"]:
        yield "_load writes something else into the file that SEAL loads"
    for function in functions(tree):
        for argument in function.args.args:
            annotation = argument.annotation and ast.unparse(argument.annotation)
            if argument.arg == "laid_out" and annotation != "LaidOut":
                yield f"{function.name} takes laid_out that is {annotation}"
    for node in ast.walk(tree):
        if called(node, "_load") and not is_laid_out(node.args[1]):
            yield f"_load is given {ast.unparse(node.args[1])}"
        if isinstance(node, ast.Assign) and "laid_out" in map(ast.unparse, node.targets):
            yield "laid_out is made of something else"


def is_write(call):
    return isinstance(call.func, ast.Attribute) and call.func.attr == "write"


def test_seal_loads_only_what_this_project_laid_out():
    assert list(breaches(sources())) == []


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("edge/identity/enrolment.py", "import msgspec\n", "import msgspec\nimport tenseal\n"),
        (
            "edge/bills/letters.py",
            '"""\n',
            '"""\nfrom protocol import seal\nseal.sealapi.Plaintext().load()\n',
        ),
        ("cloud/ingest/pipeline.py", '"""\n', '"""\nfrom tenseal import sealapi\n'),
        (
            "edge/mqtt/recovery.py",
            '"""\n',
            '"""\nimport importlib\nimportlib.import_module("tenseal")\n',
        ),
        (ADAPTER, "laid_out: LaidOut)", "laid_out: Any)"),
        (ADAPTER, "FORM.secret_key(transform(self.ternary))", "saved"),
        (ADAPTER, "file.write(laid_out.data)", "file.write(data)"),
        (
            ADAPTER,
            "    return _load(sealapi.Ci",
            '    getattr(x, "load")(y)\n    return _load(sealapi.Ci',
        ),
        (
            ADAPTER,
            "    return _load(sealapi.Ci",
            "    key.load(CONTEXT, path)\n    return _load(sealapi.Ci",
        ),
        (
            ADAPTER,
            "    return _load(sealapi.Ci",
            "    laid_out = data\n    return _load(sealapi.Ci",
        ),
        (
            ADAPTER,
            "    return _load(sealapi.Ci",
            "    laid_out = LaidOut(data)\n    return _load(sealapi.Ci",
        ),
        (
            FORM,
            "def version_of(",
            "def given(data):\n    return LaidOut(data)\n\n\ndef version_of(",
        ),
    ],
)
def test_a_breach_of_the_border_is_seen(path, before, after):
    found = sources()
    assert before in found[path]
    found[path] = found[path].replace(before, after, 1)
    assert list(breaches(found))
