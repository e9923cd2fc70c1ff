"""A bill as a page: what stands on it, in HTML and PDF.

The whole content of one page is held by a file for each language. After a change that is meant, run
`python -m tests.unit.bills.test_bill_document` once and read what it changed.
"""

import io
import re
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader

from edge.bills.arrived import ArrivedBill
from edge.bills.document import Papers, compose
from edge.bills.judgement import (
    ContractDays,
    CreditNote,
    EstimatedDays,
    Finding,
    Judgement,
    MeterSpan,
    OtherCalendar,
    Verdict,
)
from edge.bills.receipts import Hold
from edge.bills.remarks import remarks
from edge.bills.render import render_html, render_pdf
from edge.bills.words import WORDS
from edge.commands.bills import in_words
from edge.language.choice import Lang
from edge.language.numbers import euros
from edge.language.typography import WIDE_SPACE, typeset
from protocol.bill import price_bill, register_energies
from protocol.contract import Consent, Offer
from protocol.doubt import Doubt
from protocol.tariff import FixedLine, InjectionLine, RegisterLine
from tests.support.french import plain
from tests.support.household import closed_day
from tests.support.tariffs import simple_tariff

GOLDEN = Path(__file__).parent / "golden"
START, END = date(2026, 3, 1), date(2026, 4, 1)
TARIFF = simple_tariff(
    fixed=(
        FixedLine("abonnement", Decimal("1234.50"), "month", Decimal("0.20")),
        FixedLine("CTA", Decimal("19.4685"), "year", Decimal("0.055"), is_tax=True),
    ),
    energy=(
        RegisterLine("heures creuses", (1,), Decimal("0.14567"), Decimal("0.20")),
        RegisterLine("heures pleines", (2,), Decimal("0.18901"), Decimal("0.20")),
        RegisterLine("accise", (1, 2), Decimal("0.03085"), Decimal("0.20"), is_tax=True),
    ),
)


def judged(start=START, end=END, steps=(101, 202), tariff=TARIFF, injected=0, **changes):
    energies = register_energies(0, tariff, [start], [*steps, *[0] * 8], injected)
    bill = price_bill([tariff], start, end, energies)
    fields = {"verdict": Verdict.CORRECT, "findings": (), "bill": bill}
    return Judgement("ab" * 16, start, end, **(fields | changes))


def papers(tariff=TARIFF, **changes):
    offer = Offer(tariff.provider, bytes(32), bytes(1216), tariff.name, (tariff,))
    return Papers(offer, bytes(range(32)), **changes)


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.parts, self.links = [], []

    def handle_data(self, data):
        self.parts.append(data)

    def handle_starttag(self, _tag, attrs):
        self.links += [value for name, value in attrs if name in {"src", "href"}]


def read(html):
    parser = _Text()
    parser.feed(html)
    return squeezed(" ".join(parser.parts)), parser.links


def squeezed(text):
    return re.sub("[ \n\t]+", " ", plain(text))


def test_a_french_bill_shows_lines_taxes_and_totals_as_the_bill_has_them():
    judgement = judged()
    text, _ = read(render_html(compose(judgement, papers(), Lang.FR)))
    for section in ("Abonnement", "Consommation", "Taxes et contributions"):
        assert section in text
    for line in judgement.bill.lines:
        assert line.name in text
        assert plain(euros(line.ht, Lang.FR)) in text
    assert "TVA 5,5 % sur 1,62 €" in text
    assert "101 kWh 0,14567 €" in text
    assert plain(euros(judgement.bill.total_ttc, Lang.FR)) in text
    assert "Vérifiée par votre propre boîtier" in text
    assert "du 01/03/2026 au 31/03/2026" in text


@pytest.mark.parametrize("verdict", [Verdict.CORRECT, Verdict.DIFFERS])
def test_a_french_bill_breaks_before_no_sign_and_no_unit(verdict):
    previous = judged(date(2026, 2, 1), START, steps=(28, 28))
    first = closed_day(START - timedelta(days=1), (), register_index_kwh=(1000, 2000, *[0] * 8))
    last = closed_day(END - timedelta(days=1), (), register_index_kwh=(1101, 2202, *[0] * 8))
    held = papers(first=first, last=last, previous=previous)
    judgement = judged(verdict=verdict, findings=tuple(Finding) * (verdict is Verdict.DIFFERS))
    page = _Text()
    page.feed(render_html(compose(judgement, held, Lang.FR)).split("</style>")[1])
    assert any(f"101{WIDE_SPACE}kWh" in part for part in page.parts)
    for part in (*page.parts, *in_words(ArrivedBill(judgement), Lang.FR).splitlines()):
        assert typeset(part.strip()) == part.strip()


def test_the_page_loads_nothing_and_a_providers_name_cannot_add_to_it():
    tariff = simple_tariff(provider="<script src='//evil'>&", name='"><img src=x>')
    html = render_html(compose(judged(tariff=tariff), papers(tariff), Lang.EN))
    text, links = read(html)
    assert links == []
    assert "<script" not in html.split("</style>")[1]
    assert "<script src='//evil'>&" in text


def test_indices_stand_beside_what_they_give_while_one_meter_counted():
    first = closed_day(START - timedelta(days=1), (), register_index_kwh=(1000, 2000, *[0] * 8))
    last = closed_day(END - timedelta(days=1), (), register_index_kwh=(1101, 2202, *[0] * 8))
    document = compose(judged(), papers(first=first, last=last), Lang.EN)
    assert [(row.label, row.start, row.end, row.energy) for row in document.indices] == [
        ("heures creuses", "1,000", "1,101", "101 kWh"),
        ("heures pleines", "2,000", "2,202", "202 kWh"),
    ]
    other = closed_day(END - timedelta(days=1), (), meter_serial="999")
    for known in ({"last": other}, {"last": None}, {"first": None, "last": last}):
        changed = {"first": first, **known}
        assert compose(judged(), papers(**changed), Lang.EN).indices == ()


def test_periods_of_different_length_are_compared_by_the_day():
    previous = judged(date(2026, 2, 1), START, steps=(28, 28))
    current = judged(steps=(31, 0))
    document = compose(current, papers(previous=previous), Lang.EN)
    before, now = document.bars
    assert before.text.startswith("2.0 kWh a day")
    assert now.text.startswith("1.0 kWh a day")
    assert (before.share, now.share) == (100, 50)
    assert compose(current, papers(), Lang.EN).bars == ()


def test_a_bill_that_differs_says_so_in_the_household_s_words():
    judgement = judged(verdict=Verdict.DIFFERS, findings=(Finding.QUANTITY_DIFFERS,))
    text, _ = read(render_html(compose(judgement, papers(), Lang.FR)))
    assert WORDS[Lang.FR]["differs"] in text
    assert WORDS[Lang.FR]["checked"] not in text
    assert "n'est pas celle que votre compteur a comptée" in text


def test_a_bill_in_the_household_s_favour_is_a_credit_note():
    sold = InjectionLine("vente du surplus", Decimal("-0.10"), Decimal(0))
    tariff = simple_tariff(fixed=(), energy=(sold,))
    document = compose(judged(tariff=tariff, injected=300), papers(tariff), Lang.FR)
    text, _ = read(render_html(document))
    assert document.is_credit
    assert "Avoir" in text
    assert "Montant en votre faveur TTC 30,00 €" in text


@pytest.mark.parametrize(
    ("consent", "is_said"),
    [(Consent.TOTAL, True), (Consent.LINES, False), (Consent.NOTHING, False)],
)
def test_a_bill_says_how_closely_its_receipt_proves_the_total(consent, is_said):
    """Three lines at 20 %: 2.3 cents of rounding in the bill, and as much in the proof."""
    text, _ = read(render_html(compose(judged(), papers(consent=consent), Lang.EN)))
    assert ("proves this total to within 4 cents" in text) == is_said


def test_a_bill_priced_on_the_curve_claims_no_proof():
    bill = judged().bill
    curve = msgspec.structs.replace(bill.lines[-1], kwh=None, wh=1)
    on_curve = msgspec.structs.replace(bill, lines=(*bill.lines[:-1], curve))
    text, _ = read(
        render_html(compose(judged(bill=on_curve), papers(consent=Consent.TOTAL), Lang.EN))
    )
    assert "proves this total" not in text


def test_a_refused_statement_has_no_page():
    refused = Judgement("ab", START, END, Verdict.REFUSED, (Finding.DAY_TWICE,))
    with pytest.raises(ValueError, match="no bill"):
        compose(refused, papers(), Lang.FR)


def test_both_languages_have_the_same_words():
    assert WORDS[Lang.FR].keys() == WORDS[Lang.EN].keys()


def test_the_pdf_says_what_the_page_says():
    message = "Chèque énergie : 150 € reçus."
    pdf = render_pdf(compose(judged(), papers(messages=(message,)), Lang.FR))
    reader = PdfReader(io.BytesIO(pdf))
    text = squeezed(" ".join(page.extract_text() for page in reader.pages))
    assert reader.pages[0].mediabox.width == pytest.approx(595, abs=1)
    for said in ("Facture d'électricité", "heures creuses", "Montant à payer TTC", message):
        assert said in text


@pytest.mark.parametrize(
    ("lang", "mark", "remark"),
    [
        (Lang.FR, "Estimée en partie", "Jours estimés : 02/03/2026–03/03/2026."),
        (Lang.EN, "Estimated in part", "Estimated days: 2026-03-02–2026-03-03."),
    ],
)
@pytest.mark.parametrize("doubt", Doubt)
def test_a_bill_over_days_that_rest_on_a_doubtful_index_is_marked_as_estimated(
    lang, mark, remark, doubt
):
    estimated = (EstimatedDays(doubt, (date(2026, 3, 2), date(2026, 3, 3))),)
    ends = {
        "first": closed_day(START - timedelta(days=1), (), register_index_kwh=(9_000,) * 10),
        "last": closed_day(END - timedelta(days=1), (), register_index_kwh=(9_300,) * 10),
    }
    document = compose(judged(estimated=estimated), papers(**ends), lang)
    text, _ = read(render_html(document))
    assert mark in text
    assert remark in text
    # Of an index that began anew the two ends have no difference.
    assert bool(document.indices) is (doubt is Doubt.INDEX_JUMPED)
    plain, _ = read(render_html(compose(judged(), papers(**ends), lang)))
    assert mark not in plain


def whole_page(lang) -> str:
    """Return all that a page can show, as JSON with a line for each text."""
    late = date(2026, 2, 26), date(2026, 2, 27), date(2026, 2, 28)
    energies = [
        *register_energies(0, TARIFF, late, (7, 9, *[0] * 8), 0),
        *register_energies(0, TARIFF, [START], (101, 202, *[0] * 8), 0),
    ]
    judgement = Judgement(
        "ab" * 16,
        START,
        END,
        Verdict.DIFFERS,
        (Finding.DAY_TWICE,),
        price_bill([TARIFF], START, END, energies),
        late=late,
        left_out=(date(2026, 3, 30),),
        owed=(date(2026, 2, 20),),
        estimated=(EstimatedDays(Doubt.INDEX_JUMPED, (date(2026, 3, 2),)),),
    )
    shown = papers(
        first=closed_day(date(2026, 2, 28), (), register_index_kwh=(1000, 2000, *[0] * 8)),
        last=closed_day(date(2026, 3, 31), (), register_index_kwh=(1101, 2202, *[0] * 8)),
        previous=judged(date(2026, 2, 1), START, steps=(90, 100)),
        messages=("Bonjour.", "Au revoir."),
        consent=Consent.TOTAL,
    )
    encoded = msgspec.json.encode(compose(judgement, shown, lang))
    return msgspec.json.format(encoded, indent=1).decode() + "\n"


def every_remark(lang) -> str:
    """Return each sentence that a bill can carry beside its lines, a line each."""
    contracts = [
        ContractDays("ab" * 32, START, END),
        ContractDays("ab" * 32, START, None),
        ContractDays("ab" * 32, END, START),
    ]
    corrections = [
        CreditNote("cd" * 16, Decimal("80.10"), Decimal("80.10") + change, Decimal(change))
        for change in (-7, 0, 7)
    ]
    known = [
        {"gap": (date(2026, 2, 1), START)},
        {"calendar_change": date(2026, 3, 9)},
        {"calendar_change": START, "other_calendar": OtherCalendar(date(2026, 3, 9), 17)},
        {"other_meter": date(2026, 3, 9)},
        *({"contract": each, "findings": (Finding.OUTSIDE_CONTRACT,)} for each in contracts),
        {"contract": contracts[0], "findings": (Finding.ALREADY_BILLED,)},
        *({"credit": each} for each in corrections),
        {"meters": (MeterSpan("m", "BASE", START, END, (7, 8, *[0] * 8)),) * 2},
        {"estimated": (EstimatedDays(Doubt.INDEX_BEGAN_ANEW, (START,)),)},
    ]
    sentences = [sentence for each in known for sentence in remarks(judged(**each), lang)]
    return "".join(
        f"{sentence}\n" for sentence in [*sentences, *map(str, Verdict), *Finding, *Hold]
    )


@pytest.mark.parametrize("lang", Lang)
def test_each_sentence_is_the_golden_one(lang):
    assert every_remark(lang) == (GOLDEN / f"remarks.{lang}.txt").read_text("utf-8")


@pytest.mark.parametrize("lang", Lang)
def test_the_whole_page_is_the_golden_one(lang):
    assert whole_page(lang) == (GOLDEN / f"bill.{lang}.json").read_text("utf-8")


if __name__ == "__main__":
    for each in Lang:
        (GOLDEN / f"bill.{each}.json").write_text(whole_page(each), "utf-8")
        (GOLDEN / f"remarks.{each}.txt").write_text(every_remark(each), "utf-8")
