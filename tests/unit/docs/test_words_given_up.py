"""Pages written by hand use the field's words; private ones that were given up stay away.

Names of fields, topics, commands and tests are not prose: what stands in backticks, in a code block
or in a part that `docs/generate.py` writes is left out.
"""

import re

import pytest

from tests.unit.docs.test_pages_hold_together import FENCE, PAGES, name

NOT_PROSE = re.compile(
    r"<!-- begin .*?<!-- end |`[^`\n]*`|\]\([^)]*\)|^ {4}[^\n]*$", re.DOTALL | re.MULTILINE
)
GIVEN_UP = {
    "charter": r"\bcharters?\b",
    "public list": r"\bpublic lists?\b",
    "settle a day": r"\bsettle[sd]?\b",
    "seed letter": r"\bseed letters?\b|\bletters of seeds\b",
    "put off": r"\bput(?:ting)? off\b",
    "signed page": r"\bsigned pages?\b",
}


def prose(text: str) -> str:
    return NOT_PROSE.sub("", FENCE.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_uses_no_word_that_was_given_up(page):
    text = prose(page.read_text("utf-8"))
    assert [word for word, form in GIVEN_UP.items() if re.search(form, text, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    "text", ["The public list grows.", "A day is settled once.", "Two charters."]
)
def test_a_word_that_was_given_up_is_found(text):
    assert any(re.search(form, prose(text), re.IGNORECASE) for form in GIVEN_UP.values())


@pytest.mark.parametrize(
    "text", ["`already_settled`", "```\nthe public list\n```\n", "    [x](settled.md)\n"]
)
def test_names_and_code_are_no_prose(text):
    assert not any(re.search(form, prose(text), re.IGNORECASE) for form in GIVEN_UP.values())
