"""A page that exists in French and English has the same sections, lists, links and letter in both.

Of some pages a household needs a part alone, which ends before a heading of the English one.
"""

import re

import pytest

from tests.support.typed_page import CONSOLE, HOW_TO, blocks, steps

PAGES = {
    "back-up-and-restore.md": "sauvegarder-le-boitier.md",
    "compare-offers.md": "comparer-les-offres.md",
    "look-at-the-page.md": "regarder-la-page.md",
    "move-house.md": "demenager.md",
    "put-right.md": "corriger.md",
    "repeat-the-line.md": "repeter-la-ligne.md",
    "refuse-the-load-curve.md": "refuser-la-courbe-de-charge.md",
    "run-on-a-raspberry-pi.md": "installer-sur-un-raspberry-pi.md",
    "tell-your-smart-home.md": "prevenir-la-maison-connectee.md",
    "your-own-data.md": "vos-donnees.md",
}
ENDS_BEFORE = {
    "back-up-and-restore.md": "## The collectivity",
    "run-on-a-raspberry-pi.md": "## From a checkout, to develop",
}
_MARK = re.compile(r"^(#+|\*(?= |\*)|>|\||\d+\.|```|\$ volet edge \w+) ?", re.MULTILINE)
_ARTICLE = re.compile(r"\b[LRD]\. \d{3}-\d+")
_LINK = re.compile(r"<https://[^>]+>")
_LED_TO = re.compile(r"\]\(([^)]+)\)")
_TYPED = re.compile(r"^\$ (.+)$", re.MULTILINE)
# A copy has a name in its household's language, and so has a picture.
_COPY = re.compile(r"\b[\w-]+\.(?:csv|json)\b")
# Words that no French sentence has.
_ENGLISH = re.compile(
    r"\b(?:the|of|is|was|with|from|into|and|to|for|by|this|what)\b", re.IGNORECASE
)
_PICTURE = re.compile(r"-(?:fr|en)(?:-dark)?\.png$")


@pytest.fixture(params=PAGES.items(), ids=PAGES)
def names(request):
    """The names of a page in English and French."""
    return request.param


@pytest.fixture
def both(names):
    """Its texts in English and French, as far as there are both."""
    english, french = ((HOW_TO / name).read_text("utf-8") for name in names)
    end = ENDS_BEFORE.get(names[0])
    assert end is None or f"\n{end}\n" in english
    return [english if end is None else english[: english.index(f"\n{end}\n")], french]


def led_to(text):
    """Return where a text leads: to which page for one that exists in both, whichever its place."""
    english = {french: each for each, french in PAGES.items()}
    found = set()
    for target in _LED_TO.findall(text):
        page, _, _ = target.partition("#")
        page = english.get(page, page)
        found.add(page if page in {"", *PAGES} else _PICTURE.sub(".png", target))
    return found


def typed(text):
    """Return what a text has typed, but for the language and the names of copies."""
    commands = (line.replace("--lang fr", "--lang en") for line in _TYPED.findall(text))
    return [_COPY.sub("copy", command) for command in commands]


def test_both_have_the_same_form(both):
    one, other = (_MARK.findall(text) for text in both)
    assert one == other


def test_both_name_the_same_articles_and_addresses(both):
    one, other = both
    assert _LINK.findall(one) == _LINK.findall(other)
    assert set(_ARTICLE.findall(one)) == set(_ARTICLE.findall(other))


def test_both_lead_to_the_same_pages(both, names):
    one, other = (led_to(text) - {names[0]} for text in both)
    assert one == other


def test_both_type_the_same_commands(both):
    one, other = map(typed, both)
    assert one == other


def test_both_have_as_many_paragraphs(both):
    one, other = (len(re.split(r"\n\n+", re.sub(r"<!--.*?-->\n", "", text))) for text in both)
    assert one == other


def test_both_hold_the_same_letter(both):
    one, other = ([line for line in text.splitlines() if line.startswith(">")] for text in both)
    assert one == other


def test_each_leads_to_the_other(both, names):
    assert f"]({names[1]})" in both[0]
    assert f"]({names[0]})" in both[1]


def test_a_french_page_shows_what_a_chip_answers_in_french(names):
    shown = [
        line
        for block in blocks((HOW_TO / names[1]).read_text("utf-8"))
        if block.kind == CONSOLE
        for step in steps(block)
        if step.command.startswith("volet edge ")
        for line in step.expected
    ]
    assert [line for line in shown if _ENGLISH.search(re.sub(r"`[^`]*`", "", line))] == []
