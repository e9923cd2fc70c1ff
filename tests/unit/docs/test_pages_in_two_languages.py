"""A page that exists in French and English has the same sections, lists, links and letter in both."""

import re

from tests.support.typed_page import ROOT

ENGLISH = ROOT / "docs/how-to/refuse-the-load-curve.md"
FRENCH = ROOT / "docs/how-to/refuser-la-courbe-de-charge.md"
_MARK = re.compile(r"^(#+|\*|>|\||\d+\.) ?", re.MULTILINE)
_ARTICLE = re.compile(r"\b[LRD]\. \d{3}-\d+")
_LINK = re.compile(r"<https://[^>]+>")


def test_both_have_the_same_form():
    one, other = (_MARK.findall(page.read_text("utf-8")) for page in (ENGLISH, FRENCH))
    assert one == other


def test_both_name_the_same_articles_and_addresses():
    one, other = (page.read_text("utf-8") for page in (ENGLISH, FRENCH))
    assert _LINK.findall(one) == _LINK.findall(other)
    assert set(_ARTICLE.findall(one)) == set(_ARTICLE.findall(other))


def test_both_hold_the_same_letter():
    one, other = (
        [line for line in page.read_text("utf-8").splitlines() if line.startswith(">")]
        for page in (ENGLISH, FRENCH)
    )
    assert one == other


def test_each_leads_to_the_other():
    assert f"]({FRENCH.name})" in ENGLISH.read_text("utf-8")
    assert f"]({ENGLISH.name})" in FRENCH.read_text("utf-8")
