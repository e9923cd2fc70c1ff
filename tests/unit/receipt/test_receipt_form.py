"""A receipt's form to the byte, its limits, and the interval of its total worked out by hand."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from protocol import receipt as module
from protocol.contract import Consent
from protocol.errors import CipherError
from protocol.hpke import SealingKey, seal
from protocol.receipt import (
    Receipt,
    ReceiptAck,
    ReceiptLine,
    ReceiptText,
    fixed_lines,
    line_relations,
    open_receipt,
    proof_context,
    seal_receipt,
    total_claim,
)
from protocol.schedule import Schedules
from protocol.statement import components
from protocol.tariff import FixedLine, InjectionLine, RegisterLine, Tariff

START, END = date(2026, 1, 1), date(2026, 2, 1)
KEY = SealingKey.generate()
HOUSEHOLD, STATEMENT, CONTRACT = bytes(16), bytes(range(16)), bytes(32)
TEXT = ReceiptText(CONTRACT, STATEMENT, 20_454, 20_485, Consent.TOTAL, 12_345, (), (), (), b"p")
INFO = ("volet receipt", "ville", HOUSEHOLD, CONTRACT, STATEMENT)


def decodes(kind, *fields) -> bool:
    try:
        msgspec.msgpack.decode(msgspec.msgpack.encode(fields), type=kind)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("cents", [2**52, -(2**52)])
def test_a_total_has_its_bounds(cents):
    assert decodes(ReceiptLine, 0, cents)
    assert not decodes(ReceiptLine, 0, cents + (1 if cents > 0 else -1))


def test_a_line_counts_from_nothing_to_a_terawatt_hour():
    assert decodes(ReceiptLine, 0, 1)
    assert decodes(ReceiptLine, 2**40, 1)
    assert not decodes(ReceiptLine, -1, 1)
    assert not decodes(ReceiptLine, 2**40 + 1, 1)


def test_messages_have_their_bounds():
    fields = (CONTRACT, STATEMENT, 1, 2, "lines", 0)
    line = (1, 1)
    assert decodes(ReceiptText, *fields, (line,) * 4_096, ("x",) * 4_096, (), b"")
    assert not decodes(ReceiptText, *fields, (line,) * 4_097, (), (), b"")
    assert not decodes(ReceiptText, *fields, (), ("x",) * 4_097, (), b"")
    assert decodes(ReceiptAck, HOUSEHOLD, (STATEMENT,) * 512)
    assert not decodes(ReceiptAck, HOUSEHOLD, (STATEMENT,) * 513)
    assert decodes(Receipt, HOUSEHOLD, STATEMENT, bytes(49_152))
    assert not decodes(Receipt, HOUSEHOLD, STATEMENT, bytes(49_153))
    assert not decodes(Receipt, HOUSEHOLD, STATEMENT, b"")


def test_a_proof_is_bound_to_these_bytes():
    bare = msgspec.structs.replace(TEXT, proof=b"")
    assert proof_context("ville", HOUSEHOLD, TEXT) == msgspec.msgpack.encode(
        ("volet receipt proof", "ville", HOUSEHOLD, bare)
    )


def framed(data: bytes, length: int | None = None, padding: bytes | None = None) -> bytes:
    whole = (len(data) if length is None else length).to_bytes(4, "big") + data
    return whole + (bytes(-len(whole) % 512) if padding is None else padding)


def opened(inner: bytes, info=INFO) -> ReceiptText:
    sealed = seal(inner, KEY.public_bytes, msgspec.msgpack.encode(info))
    return open_receipt(Receipt(HOUSEHOLD, STATEMENT, sealed), "ville", CONTRACT, KEY)


DATA = msgspec.msgpack.encode(TEXT)
# The same fields with a number in a longer form than it needs.
LONGER = DATA.replace(
    b"\xcd" + (20_454).to_bytes(2, "big"), b"\xce" + (20_454).to_bytes(4, "big"), 1
)


def test_a_receipt_in_its_form_is_opened():
    assert opened(framed(DATA)) == TEXT
    made = seal_receipt(TEXT, "ville", HOUSEHOLD, KEY.public_bytes)
    assert KEY.open(made.sealed, msgspec.msgpack.encode(INFO)) == framed(DATA)


@pytest.mark.parametrize(
    "inner",
    [
        framed(DATA, padding=b""),
        framed(DATA, padding=bytes(-len(framed(DATA, padding=b"")) % 512 - 1)),
        framed(DATA)[:-1] + b"\1",
        framed(DATA, padding=b"\1" + bytes(-(len(DATA) + 5) % 512)),
        framed(DATA, length=1_024),
        framed(DATA, length=len(DATA) - 1),
        framed(DATA[:-1]),
        framed(b"no receipt"),
        framed(LONGER),
        framed(msgspec.msgpack.encode(msgspec.structs.replace(TEXT, contract=bytes([1]) * 32))),
        framed(msgspec.msgpack.encode(msgspec.structs.replace(TEXT, statement=bytes(16)))),
    ],
    ids=[
        *("no_padding", "short_padding", "a_last_byte", "a_first_byte", "too_long", "too_short"),
        *("cut", "another_thing", "a_number_in_long_form", "another_contract", "another_statement"),
    ],
)
def test_whatever_is_not_in_its_form_is_refused(inner):
    with pytest.raises(CipherError):
        opened(inner)


def test_the_number_in_long_form_says_the_same():
    assert LONGER != DATA
    assert msgspec.msgpack.decode(LONGER, type=ReceiptText) == TEXT


def tariff(*energy) -> Tariff:
    return Tariff(
        provider="P",
        name="T",
        calendar="C",
        valid_from=START,
        valid_to=None,
        currency="EUR",
        fixed=(
            FixedLine("abonnement", Decimal("10.00"), "month", Decimal("0.20")),
            FixedLine("acheminement", Decimal("3.33"), "month", Decimal("0.055")),
        ),
        energy=energy,
    )


def test_the_interval_of_a_total_is_what_the_rounding_leaves_open():
    """Two lines at 20 %, and fixed lines at 20 % and at 5.5 %, which no energy is taxed with.

    Known: 10.00 € and 20 %, 3.33 € and 0.18 €. Half a cent each of the tax, and with tax of both
    lines: 1.7 cents. So 107.94 € ± 0.017 € in units of 0.0012 €.
    """
    offered = (
        tariff(
            RegisterLine("one", (1,), Decimal("0.00100"), Decimal("0.20")),
            RegisterLine("two", (2,), Decimal("0.00200"), Decimal("0.20")),
        ),
    )
    parts = components(offered, START, END, Schedules())
    interval = total_claim(parts, fixed_lines(offered, START, END), 12_345)
    assert (interval.low, interval.high) == (89_936, 89_964)
    (row,) = interval.weights
    assert sorted(row) == [0] * 10 + [1, 2]


def test_without_energy_lines_a_total_says_nothing_of_registers():
    assert total_claim([], fixed_lines((tariff(),), START, END), 12_345) is None


def test_a_line_counts_the_registers_of_its_own_days_alone():
    change, tax = date(2026, 1, 16), Decimal("0.2")
    offered = tariff(
        RegisterLine("tout", (1, 3), Decimal("0.1"), tax),
        InjectionLine("injection", Decimal("-0.05"), tax),
    )
    both = [
        msgspec.structs.replace(offered, valid_to=change),
        msgspec.structs.replace(offered, valid_from=change),
    ]
    parts = components(both, START, END, Schedules())
    lines = [ReceiptLine(n, n) for n in range(len(parts))]
    relations = line_relations(parts, lines)
    assert [relation.value for relation in relations] == [0, 1, 2, 3]
    counted = [[sum(row) for row in relation.weights] for relation in relations]
    assert counted == [[2, 0], [1, 0], [0, 2], [0, 1]]


def test_the_limits_are_those_of_the_wire():
    assert (module.SEALED_MAX_BYTES, module.PADDED_BYTES) == (48 * 1_024, 512)
