"""The wire format, held by files: a change of any byte here is a new version of the protocol.

To make a file for a new message, run `python -m tests.unit.protocol.test_golden NAME` once. The
file of the names that stand for kinds, states and reasons is NAME `words`.
"""

import enum
import importlib
import pkgutil
import sys
from datetime import date
from pathlib import Path

import pytest

import protocol
from protocol.catalogue import Segment, next_entry
from protocol.contract import Signed
from protocol.envelope import ALL, Address, seal_message
from protocol.tariff import tariff_bytes
from protocol.topics import PublicKind
from tests.support.tariffs import simple_tariff
from tests.unit.protocol.test_envelope import BODIES, KEY, address

GOLDEN = Path(__file__).parent / "golden"
WORDS = GOLDEN / "words.txt"
VECTORS = {
    **{kind.replace("/", "_"): seal_message(address(kind), BODIES[kind], KEY) for kind in BODIES},
    "tariff": tariff_bytes(simple_tariff()),
    "catalogue_list": seal_message(
        Address("ville", ALL, PublicKind.LIST),
        Segment(0, (next_entry(None, Signed("Offer", b"body", bytes(64)), date(2026, 11, 24)),)),
        KEY,
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_wire_format_is_the_golden_one(name):
    assert VECTORS[name].hex() == (GOLDEN / f"{name}.hex").read_text().strip()


def words() -> str:
    """Return what each member of the protocol's enumerations is on the wire, a line each."""
    modules = [
        importlib.import_module(f"protocol.{each.name}")
        for each in pkgutil.iter_modules(protocol.__path__)
    ]
    return "".join(
        f"{module.__name__}.{kind.__name__}.{member.name} = {member.value!r}\n"
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, enum.EnumType) and kind.__module__ == module.__name__
        for member in kind
    )


def test_the_words_of_the_wire_are_the_golden_ones():
    assert words() == WORDS.read_text()


if __name__ == "__main__" and sys.argv[1] == "words":
    WORDS.write_text(words())
elif __name__ == "__main__":
    (GOLDEN / f"{sys.argv[1]}.hex").write_text(VECTORS[sys.argv[1]].hex() + "\n")
