"""The wire format, held by files: a change of any byte here is a new version of the protocol.

Each version has a folder; a released one never changes (`test_golden_versions`).

To make a file for a new message, run `python -m tests.unit.protocol.test_golden NAME` once. The
files of what both sides must agree on beside that are NAME `words`, the names that stand for kinds,
states and reasons, and NAME `constants`, sizes and limits.
"""

import ast
import enum
import importlib
import pkgutil
import re
import sys
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest

import protocol
from protocol.catalogue import Segment, next_entry
from protocol.contract import Signed
from protocol.envelope import ALL, Address, seal_message
from protocol.messages import Hub
from protocol.tariff import tariff_bytes
from protocol.topics import PublicKind
from protocol.versions import VERSIONS
from tests.support.tariffs import simple_tariff
from tests.unit.protocol.test_envelope import BODIES, KEY, address

GOLDEN = Path(__file__).parent / "golden" / str(VERSIONS.newest)
_SIMPLE = (int, float, str, bytes, tuple, Decimal, Fraction, timedelta)
VECTORS = {
    **{kind.replace("/", "_"): seal_message(address(kind), BODIES[kind], KEY) for kind in BODIES},
    "tariff": tariff_bytes(simple_tariff()),
    "catalogue_list": seal_message(
        Address("ville", ALL, PublicKind.LIST),
        Segment(0, (next_entry(None, Signed("Offer", b"body", bytes(64)), date(2026, 11, 24)),)),
        KEY,
    ),
    "hub": seal_message(Address("ville", ALL, PublicKind.HUB), Hub(1, 120), KEY),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_wire_format_is_the_golden_one(name):
    assert VECTORS[name].hex() == (GOLDEN / f"{name}.hex").read_text().strip()


def modules() -> list[ModuleType]:
    return [
        importlib.import_module(f"protocol.{each.name}")
        for each in pkgutil.iter_modules(protocol.__path__)
    ]


def constants() -> str:
    """Return each constant that a module of the protocol defines itself, a line each."""
    return "".join(
        f"{module.__name__}.{name} = {value!r}\n"
        for module, own in ((module, assigned_in(module)) for module in modules())
        for name, value in vars(module).items()
        if name in own and isinstance(value, _SIMPLE)
    )


def assigned_in(module: ModuleType) -> set[str]:
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    targets = (
        target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
    )
    return {
        target.id
        for target in targets
        if isinstance(target, ast.Name) and re.fullmatch("[A-Z][A-Z0-9_]*", target.id)
    }


def words() -> str:
    """Return what each member of the protocol's enumerations is on the wire, a line each."""
    return "".join(
        f"{module.__name__}.{kind.__name__}.{member.name} = {member.value!r}\n"
        for module in modules()
        for kind in vars(module).values()
        if isinstance(kind, enum.EnumType) and kind.__module__ == module.__name__
        for member in kind
    )


TEXTS = {"words": words, "constants": constants}


@pytest.mark.parametrize("name", TEXTS)
def test_words_and_limits_of_the_wire_are_the_golden_ones(name):
    assert TEXTS[name]() == (GOLDEN / f"{name}.txt").read_text()


if __name__ == "__main__" and sys.argv[1] in TEXTS:
    (GOLDEN / f"{sys.argv[1]}.txt").write_text(TEXTS[sys.argv[1]]())
elif __name__ == "__main__":
    (GOLDEN / f"{sys.argv[1]}.hex").write_text(VECTORS[sys.argv[1]].hex() + "\n")
