"""How a bill reads on the terminal, in both languages."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner

from edge.bills.arrived import ArrivedBill
from edge.bills.judgement import Finding, Judgement, OpenedLine, Verdict
from edge.bills.remarks import remarks
from edge.commands.bills import in_words
from edge.commands.table import edge
from edge.language.choice import Lang
from edge.vault.database import open_database
from edge.vault.statements import Statements
from protocol.bill import price_bill, register_energies
from tests.support.french import plain
from tests.support.tariffs import simple_tariff

START, END = date(2026, 3, 1), date(2026, 4, 1)
ENERGIES = register_energies(0, simple_tariff(), [START], [101, 202, *[0] * 8])
BILL = price_bill([simple_tariff()], START, END, ENERGIES)


def lines(lang, **changes):
    fields = {"verdict": Verdict.CORRECT, "findings": (), "bill": BILL}
    judgement = Judgement("id", START, END, **(fields | changes))
    return in_words(ArrivedBill(judgement), Lang(lang)).splitlines()


def test_a_french_bill_has_french_dates_and_numbers():
    shown = [plain(line) for line in lines("fr")]
    assert (
        shown[0]
        == "Facture du 01/03/2026 au 31/03/2026 : vérifiée par votre boîtier : elle est juste."
    )
    assert "101 kWh × 0,14567 €" in shown[2]
    assert shown[-1].split() == ["Total", "TTC", "89,50", "€"]


def test_an_english_bill_says_the_same():
    shown = lines("en")
    assert shown[0] == "Bill for 2026-03-01 to 2026-03-31: checked by your own chip: correct."
    assert shown[-2].split() == ["VAT", "20", "%", "14.92", "€"]


def test_a_refused_statement_says_why_and_shows_no_amount():
    shown = lines("en", verdict=Verdict.REFUSED, findings=(Finding.DAY_TWICE,), bill=None)
    assert shown[1:] == ["  ! It counts a day twice."]


RIGHT = Judgement("c0", START, END, Verdict.CORRECT, bill=BILL)
OTHER_METER = Judgement(
    "a0", START, END, Verdict.REFUSED, (Finding.METER_DIFFERS,), other_meter=START
)
DIFFERS = Judgement("b0", START, END, Verdict.DIFFERS, (Finding.QUANTITY_DIFFERS,), BILL)
TWICE = Judgement("d0", START, END, Verdict.REFUSED, (Finding.ALREADY_BILLED,))
FORGED = Judgement("f0", END, START, Verdict.REFUSED, (Finding.REQUEST_FORGED,))
SHORT = Judgement("e0", START, END - timedelta(days=1), Verdict.CORRECT, bill=BILL)


def bills(directory, judgements):
    """Have these arrive one after another; returns how `volet edge bills` ends."""
    database = open_database(directory / "vault.db")
    for judgement in judgements:
        name, verdict = bytes.fromhex(judgement.statement), msgspec.json.encode(judgement).decode()
        Statements(database).save(name, datetime(2026, 4, 2, tzinfo=UTC), b"", verdict)
    database.close()
    return CliRunner().invoke(edge, ["--lang", "en", "bills", "--dir", str(directory)])


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (Lang.EN, "off-peak: this bill counts 55 kWh, your meter 15 kWh."),
        (Lang.FR, "off-peak : cette facture compte 55 kWh, votre compteur 15 kWh."),
    ],
)
def test_a_bill_that_differs_says_by_how_much(lang, said):
    lines = (
        OpenedLine("off-peak", "kWh", 55, 15, 0),
        OpenedLine("peak", "kWh", 42, 42, 0),
    )
    found = remarks(msgspec.structs.replace(DIFFERS, opened=lines), lang)
    assert [plain(each) for each in found] == [said]
    of_curve = OpenedLine("night", "Wh", 1_500, 500, 0)
    (found,) = remarks(msgspec.structs.replace(DIFFERS, opened=(of_curve,)), lang)
    assert plain(found).count("kWh") == 2


@pytest.mark.parametrize("wrong", [OTHER_METER, DIFFERS])
def test_a_bill_that_a_later_one_puts_right_asks_for_nothing(tmp_path, wrong):
    done = bills(tmp_path, [wrong, RIGHT])
    assert done.exit_code == 0
    assert "volet edge request" not in done.output
    assert "has billed these days correctly since" in done.output


@pytest.mark.parametrize(
    "arrived",
    [[OTHER_METER], [DIFFERS], [RIGHT, DIFFERS], [SHORT, TWICE], [DIFFERS, SHORT], [FORGED, RIGHT]],
)
def test_a_bill_that_nothing_puts_right_is_exit_code_3(tmp_path, arrived):
    assert bills(tmp_path, arrived).exit_code == 3
