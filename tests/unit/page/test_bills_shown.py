"""What the page says of a bill's receipt is true of the receipt that there is."""

import pytest

from edge.bills.receipt_words import receipt_in_words
from edge.bills.signed_off import SignedOff
from edge.household.bills import bills
from edge.language.choice import Lang
from edge.vault.reader import read_vault
from tests.support.billing_home import BillingHome

SHORT, WHOLE = b"1" * 16, b"2" * 16
PROVES = "The receipt that your chip hands to your provider proves this total"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = BillingHome(tmp_path_factory.mktemp("bills") / "town")
    home.start()
    home.live(50)
    home.ask(0, 18, SHORT)
    home.ask(18, 48, WHOLE)
    return home


def notes(home, statement):
    with read_vault(home.directory) as vault:
        return bills(home.directory, vault, statement.hex(), Lang.EN).shown.notes


def test_a_bill_without_a_receipt_says_why_and_nothing_of_what_one_proves(home):
    assert notes(home, SHORT)[-1] == "no receipt: fewer than 25 days would tell too much of each"
    assert not any(PROVES in text for text in notes(home, SHORT))


def test_a_bill_with_a_receipt_says_what_it_proves(home):
    delivered, proves = notes(home, WHOLE)[-2:]
    assert delivered.startswith("receipt ")
    assert proves.startswith(PROVES)


def test_a_receipt_that_nothing_holds_back_has_not_left_yet():
    waiting = SignedOff("31" * 16, "2026-03-01", "2026-03-31", None)
    assert receipt_in_words(waiting, Lang.EN) == "no receipt has left yet"
    assert receipt_in_words(waiting, Lang.FR) == "aucun reçu n'est encore parti"
