"""A receipt must speak of what was asked and agreed, however well it is proven."""

import msgspec
import pytest

import edge.bills.receipts
import provider.receipts
from cloud.api.local_backend import LocalEvidence
from edge.bills.receipts import make_receipt
from protocol.calendar import day_number
from protocol.contract import Consent, StatementRequest, sign_document
from protocol.envelope import Address, seal_message
from protocol.receipt import ReceiptText
from protocol.topics import Kind
from provider.receipts import ReceiptVerdict
from tests.support.receipts import PROVIDER_KEY, Home, day

JANUARY = 31
STATEMENT, OTHER = b"\1" * 16, b"\2" * 16
# What a chip may claim in place of the truth; its proof is made for the claim.
CLAIMS = {
    "an_earlier_start": {"start": day_number(day(0)) - 1},
    "a_later_start": {"start": day_number(day(1))},
    "an_earlier_end": {"end": day_number(day(JANUARY - 1))},
    "a_later_end": {"end": day_number(day(JANUARY + 1))},
    "more_than_was_agreed": {"consent": Consent.LINES},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A household that has lived a January and was asked for it."""
    made = Home(tmp_path_factory.mktemp("terms") / "home")
    made.begin()
    made.live(33)
    yield made
    made.kill()


@pytest.fixture
def receipt_of(home, monkeypatch):
    """Return a maker of the stored receipt of a chip that claims other terms."""
    with monkeypatch.context() as patch:
        seen = []
        patch.setattr(
            "edge.bills.receipt_lane.make_receipt",
            lambda *given: seen.append(given) or make_receipt(*given),
        )
        if not home.receipts():
            home.ask(0, JANUARY, STATEMENT)
            home.inputs = seen[0]

    def make(consent=Consent.TOTAL, **claimed):
        replace = msgspec.structs.replace
        collectivity, household, grounds, *bill = home.inputs
        agreed = replace(grounds, contract=replace(grounds.contract, consent=consent))
        monkeypatch.setattr(
            edge.bills.receipts,
            "ReceiptText",
            lambda *values: replace(ReceiptText(*values), **claimed),
        )
        receipt = make_receipt(collectivity, household, agreed, *bill)
        address = Address(home.identity.collectivity, home.identity.device, Kind.RECEIPT)
        payload = seal_message(address, receipt, home.identity.signing_key)
        (stored,) = home.receipts()
        return replace(stored, payload=payload)

    return make


def test_the_terms_as_they_were_asked_are_proven(home, receipt_of):
    assert home.check(receipt_of()).verdict is ReceiptVerdict.PROVEN


@pytest.mark.parametrize("claimed", CLAIMS.values(), ids=CLAIMS)
def test_a_proven_receipt_of_other_terms_is_refused(home, receipt_of, claimed):
    checked = home.check(receipt_of(**claimed))
    assert (checked.verdict, checked.total_ttc) == (ReceiptVerdict.REFUSED, None)
    assert checked.detail.startswith("the receipt is for another period")


@pytest.mark.parametrize("claimed", CLAIMS.values(), ids=CLAIMS)
def test_nothing_but_the_terms_check_stops_it(home, receipt_of, claimed, monkeypatch):
    """The guarantee broken on purpose."""
    monkeypatch.setattr(provider.receipts, "_check_terms", lambda *_: None)
    assert home.check(receipt_of(**claimed)).verdict is ReceiptVerdict.PROVEN


@pytest.mark.parametrize("changed", [{"id": OTHER}, {"contract": bytes(32)}])
def test_a_request_of_another_statement_or_contract_is_not_what_was_asked(
    home, receipt_of, changed, monkeypatch
):
    """A store may hand over any document that this provider has once signed."""
    fields = {
        "id": STATEMENT,
        "contract": home.contract.hash,
        "offer": home.contract.offer.hash,
        "start": day_number(day(0)),
        "end": day_number(day(JANUARY)),
    }
    signed = sign_document(StatementRequest(**(fields | changed)), PROVIDER_KEY)
    kept = receipt_of()
    monkeypatch.setattr(LocalEvidence, "request", lambda *_: signed)
    assert home.check(kept).verdict is ReceiptVerdict.REFUSED
