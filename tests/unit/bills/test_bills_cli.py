"""How a bill reads on the terminal, in both languages."""

from datetime import date

from edge.bills.cli import in_words
from edge.bills.judgement import Finding, Judgement, Verdict
from edge.language import Lang
from protocol.bill import price_bill, register_energies
from tests.support.tariffs import simple_tariff

START, END = date(2026, 3, 1), date(2026, 4, 1)
ENERGIES = register_energies(0, simple_tariff(), [START], [101, 202, *[0] * 8])
BILL = price_bill([simple_tariff()], START, END, ENERGIES)


def lines(lang, **changes):
    fields = {"verdict": Verdict.CORRECT, "findings": (), "bill": BILL}
    return in_words(Judgement("id", START, END, **(fields | changes)), Lang(lang)).splitlines()


def test_a_french_bill_has_french_dates_and_numbers():
    shown = lines("fr")
    assert (
        shown[0]
        == "Facture du 01/03/2026 au 31/03/2026 : vérifiée par votre boîtier : elle est juste."
    )
    assert "101 kWh × 0,14567 €" in shown[2]
    assert shown[-1].split() == ["Total", "TTC", "89,50", "€"]


def test_an_english_bill_says_the_same():
    shown = lines("en")
    assert shown[0] == "Bill for 2026-03-01 to 2026-03-31 : checked by your own chip: correct."
    assert shown[-2].split() == ["VAT", "20", "%", "14.92", "€"]


def test_a_refused_statement_says_why_and_shows_no_amount():
    shown = lines("en", verdict=Verdict.REFUSED, findings=(Finding.DAY_TWICE,), bill=None)
    assert shown[1:] == ["  ! It counts a day twice."]
