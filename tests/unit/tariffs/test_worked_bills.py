"""Worked bills beside the project and of our own, priced plainly and through both sides."""

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tariffs.price import parts_of, plain_energies, price_usage
from tariffs.usage import parse_usage
from tests.support.tariffs import SHARED
from volet.main import volet
from volet.price.encrypted import EncryptedPath

SHARED_BILLS = sorted((SHARED / "tariffs").glob("bill_*.json"))
OWN_BILLS = sorted((Path(__file__).parent / "bills").glob("*.json"))
FIELDS = ("kwh", "total_ht", "vat", "total_ttc")


@pytest.fixture(scope="module")
def encrypted():
    return EncryptedPath()


def priced(path, path_taken=None):
    usage = parse_usage(path.read_bytes(), path.name)
    parts = parts_of(usage)
    energies = path_taken.energies(parts) if path_taken else plain_energies(parts)
    return json.loads(msgspec.json.encode(price_usage(usage, parts, energies)))


def assert_equal(bill, worked):
    assert {field: bill[field] for field in FIELDS} == {field: worked[field] for field in FIELDS}
    assert bill["lines"] == worked["lines"]


@pytest.mark.skipif(not SHARED_BILLS, reason="no worked bills beside the project")
@pytest.mark.parametrize("path", SHARED_BILLS, ids=lambda path: path.stem)
def test_a_shared_bill_is_reproduced_line_by_line(path, encrypted):
    worked = json.loads(path.read_text())
    assert_equal(priced(path), worked)
    assert_equal(priced(path, encrypted), worked)


@pytest.mark.parametrize("path", OWN_BILLS, ids=lambda path: path.stem)
def test_our_own_worked_bills_are_reproduced_line_by_line(path, encrypted):
    worked = json.loads(path.read_text())
    assert_equal(priced(path), worked)
    assert_equal(priced(path, encrypted), worked)


@pytest.mark.parametrize("path", OWN_BILLS, ids=lambda path: path.stem)
def test_the_sums_of_our_worked_bills_hold_on_paper(path):
    worked = json.loads(path.read_text())
    lines = sum(Decimal(line["ht"]) for line in worked["lines"])
    assert lines == Decimal(worked["total_ht"])
    assert lines == sum(Decimal(part["base"]) for part in worked["vat"])
    vat = sum(Decimal(part["amount"]) for part in worked["vat"])
    assert lines + vat == Decimal(worked["total_ttc"])
    for line in worked["lines"]:
        if "kwh" in line:
            exact = Decimal(line["unit_ht"]) * line["kwh"]
            assert abs(exact - Decimal(line["ht"])) <= Decimal("0.005")


@pytest.mark.parametrize("flags", [[], ["--encrypted"]])
def test_the_command_prints_a_worked_bill(flags):
    path = OWN_BILLS[0]
    arguments = ["provider", "price", "--usage", str(path), "--json", *flags]
    result = CliRunner().invoke(volet, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert_equal(json.loads(result.output), json.loads(path.read_text()))


def test_the_command_prints_a_bill_in_words():
    worked = json.loads(OWN_BILLS[0].read_text())
    result = CliRunner().invoke(volet, ["provider", "price", "--usage", str(OWN_BILLS[0])])
    assert result.exit_code == 0
    assert worked["total_ttc"] in result.output
