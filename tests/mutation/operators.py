"""The changes that are made to a module, one at a time, on its syntax tree."""

import ast
import copy
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_CALLED = {"min": "max", "max": "min", "any": "all", "all": "any"}
_FLOAT_FACTOR = 0.9
_CONTEXT = 32


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes:
        tree: the whole module, changed.
        lines: first and last line of the statement that holds the change.
        change: the statement's first changed line before and after, for people.
        key: hash of the changed definition: the same change of the same code has the same key.

    """

    tree: ast.Module
    lines: tuple[int, int]
    change: str
    key: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module, in the order of its lines."""
    module = ast.parse(source)
    for number, statement in enumerate(module.body):
        if _is_docstring(statement):
            continue
        original = ast.unparse(statement)
        seen = {original}
        for place, (path, holder) in enumerate(_places(statement)):
            for replacement in _replacements(_at(statement, path)):
                changed = _replaced(statement, path, replacement)
                text = ast.unparse(ast.fix_missing_locations(changed))
                if text in seen:
                    continue
                seen.add(text)
                body = [*module.body[:number], changed, *module.body[number + 1 :]]
                yield Mutant(
                    tree=ast.Module(body, module.type_ignores),
                    lines=(holder.lineno, _end_of(holder)),
                    change=_difference(original, text),
                    key=hashlib.sha256(f"{original}\0{text}\0{place}".encode()).hexdigest()[:20],
                )


# From a statement to a node: each step is a field's name and, in a list, the place.
_Path = tuple[tuple[str, int | None], ...]


def _places(statement: ast.stmt) -> Iterator[tuple[_Path, ast.stmt]]:
    """Yield the way to each node that may change, and the statement that holds it."""
    waiting: list[tuple[_Path, ast.AST, ast.stmt]] = [((), statement, statement)]
    while waiting:
        path, node, holder = waiting.pop(0)
        if isinstance(node, ast.stmt):
            holder = node
        yield path, holder
        below = []
        for name, value in ast.iter_fields(node):
            if _is_left_alone(node, name):
                continue
            if isinstance(value, ast.AST):
                below.append(((*path, (name, None)), value, holder))
            elif isinstance(value, list):
                below += [
                    ((*path, (name, index)), each, holder)
                    for index, each in enumerate(value)
                    if isinstance(each, ast.AST) and not _is_docstring(each)
                ]
        waiting = below + waiting


def _is_left_alone(node: ast.AST, field: str) -> bool:
    """Return whether a field holds no behaviour, or only the words of a message."""
    if field in {"decorator_list", "annotation", "returns", "type_params"}:
        return True
    if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr)):
        return True
    return isinstance(node, ast.ClassDef) and field in {"bases", "keywords"}


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a node is changed to, if anything."""
    match node:
        case ast.Compare(ops=[kind, *_]):
            for other in _COMPARED[type(kind)]:
                changed = copy.deepcopy(node)
                changed.ops[0] = other()
                yield changed
        case ast.BoolOp():
            changed = copy.deepcopy(node)
            changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield changed
        case ast.BinOp() | ast.AugAssign() if type(node.op) in _COMPUTED:
            changed = copy.deepcopy(node)
            changed.op = _COMPUTED[type(node.op)]()
            yield changed
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node.operand
        case ast.Call(func=ast.Name(id=name)) if name in _CALLED:
            changed = copy.deepcopy(node)
            changed.func = ast.Name(_CALLED[name], ast.Load())
            yield changed
        case ast.Constant():
            yield from _constants(node.value)
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) if not isinstance(
            test, (ast.Compare, ast.UnaryOp)
        ):
            changed = copy.deepcopy(node)
            changed.test = ast.UnaryOp(ast.Not(), node.test)
            yield changed
        case ast.comprehension(ifs=[_, *_]):
            changed = copy.deepcopy(node)
            changed.ifs = []
            yield changed
        case _:
            yield from _statements(node)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Expr(value=ast.Call() | ast.Await() | ast.YieldFrom()):
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _constants(value: object) -> Iterator[ast.Constant]:
    match value:
        case bool():
            yield ast.Constant(not value)
        case int():
            yield ast.Constant(value + 1)
        case float():
            yield ast.Constant(value * _FLOAT_FACTOR if value else 1.0)
        case bytes():
            yield ast.Constant(value + b"?")
        case str() if " " not in value:  # with spaces it is words for people
            yield ast.Constant(value + "?")


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _at(node: ast.AST, path: _Path) -> ast.AST:
    for name, index in path:
        value = getattr(node, name)
        node = value if index is None else value[index]
    return node


def _replaced(statement: ast.stmt, path: _Path, replacement: ast.AST) -> ast.stmt:
    if not path:
        return replacement
    changed = copy.deepcopy(statement)
    holder, (name, index) = _at(changed, path[:-1]), path[-1]
    ast.copy_location(replacement, _at(changed, path))
    if index is None:
        setattr(holder, name, replacement)
    else:
        getattr(holder, name)[index] = replacement
    return changed


def _end_of(statement: ast.stmt) -> int:
    """Return the last line of a statement, without the block that it opens."""
    body = getattr(statement, "body", None)
    if not body:
        return statement.end_lineno
    return max(statement.lineno, body[0].lineno - 1)


def _difference(before: str, after: str) -> str:
    """Return the first changed line, old and new, with what is equal cut short on both sides."""
    old, new = next(
        (
            (first.strip(), second.strip())
            for first, second in zip(before.splitlines(), after.splitlines(), strict=False)
            if first != second
        ),
        (before.splitlines()[-1].strip(), "(nothing)"),
    )
    start = _equal_start(old, new)
    end = _equal_start(old[start:][::-1], new[start:][::-1])
    first, last = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    if first <= 1:
        first = 0
    if last <= 1:
        last = 0
    cut = [
        ("…" if first else "") + each[first : len(each) - last] + ("…" if last else "")
        for each in (old, new)
    ]
    return " -> ".join(cut)


def _equal_start(first: str, second: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = zip(first, second, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
