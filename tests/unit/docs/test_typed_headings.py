"""Pages are typed from one heading to another: a renamed heading is found here, not in a long test."""

import ast

import pytest

from tests.support.environments import ROOT

HEADINGS = {
    line.removeprefix("## ")
    for page in (ROOT / "docs").rglob("*.md")
    for line in page.read_text("utf-8").splitlines()
    if line.startswith("## ")
}


def headings_named(text: str) -> set[str]:
    """Return the headings that a test names as `since` or `until` of what it types."""
    return {
        word.value.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in {"since", "until"}
        and isinstance(word.value, ast.Constant)
        and isinstance(word.value.value, str)
    }


def test_each_heading_between_which_a_test_types_is_on_a_page():
    named = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        if "type_page" in (text := path.read_text("utf-8"))
        for name in headings_named(text) - {""}
    }
    assert len(named) > 10
    assert named <= HEADINGS


@pytest.mark.parametrize("call", ['type_page(PAGE, until="A light")', 'x(since="A light")'])
def test_a_heading_that_is_gone_is_found(call):
    assert headings_named(call) - HEADINGS == {"A light"}
