"""A page that exists in French and English has the same sections, lists, links and letter in both."""

import re

import pytest

from tests.support.typed_page import HOW_TO

PAGES = {
    "refuse-the-load-curve.md": "refuser-la-courbe-de-charge.md",
    "your-own-data.md": "vos-donnees.md",
}
_MARK = re.compile(r"^(#+|\*|>|\||\d+\.|```|\$ volet edge \w+) ?", re.MULTILINE)
_ARTICLE = re.compile(r"\b[LRD]\. \d{3}-\d+")
_LINK = re.compile(r"<https://[^>]+>")
_LED_TO = re.compile(r"\]\(([^)]+)\)")


@pytest.fixture(params=PAGES.items(), ids=PAGES)
def names(request):
    """The names of a page in English and French."""
    return request.param


@pytest.fixture
def both(names):
    """Its texts in English and French."""
    return [(HOW_TO / name).read_text("utf-8") for name in names]


def test_both_have_the_same_form(both):
    one, other = (_MARK.findall(text) for text in both)
    assert one == other


def test_both_name_the_same_articles_and_addresses(both):
    one, other = both
    assert _LINK.findall(one) == _LINK.findall(other)
    assert set(_ARTICLE.findall(one)) == set(_ARTICLE.findall(other))


def test_both_lead_to_the_same_pages(both, names):
    one, other = (set(_LED_TO.findall(text)) - set(names) for text in both)
    assert one == other


def test_both_hold_the_same_letter(both):
    one, other = ([line for line in text.splitlines() if line.startswith(">")] for text in both)
    assert one == other


def test_each_leads_to_the_other(both, names):
    assert f"]({names[1]})" in both[0]
    assert f"]({names[0]})" in both[1]
