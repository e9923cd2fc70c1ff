"""A pattern of the product matches a whole text: no `$` lets a last line feed through.

In Python `$` also matches before a line feed at the end, and msgspec and Litestar search. A key with
a line feed would then be another text for the same bytes, and rules that compare texts would fail.
"""

import ast
import re

import pytest

from protocol.provider_api import AREA_CODE, BASE64, HEX_HASH, HEX_ID
from tests.support.environments import ROOT
from tests.support.product import parts_of_f_strings, sources_with

WHOLE = r"(?!\n)$"


def literals(tree):
    """Yield texts, f-strings with their places blank."""
    inner = parts_of_f_strings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                part.value if isinstance(part, ast.Constant) else "x" for part in node.values
            )
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner
        ):
            yield node.value


def test_no_pattern_ends_before_a_line_feed():
    partial = [
        f"{path.relative_to(ROOT)}: {text}"
        for path in sources_with(["^"])
        for text in literals(ast.parse(path.read_text("utf-8")))
        if text.startswith("^") and text.endswith("$") and not text.endswith(WHOLE)
    ]
    assert not partial, f"end these patterns in {WHOLE}"


@pytest.mark.parametrize(
    ("pattern", "good"),
    [(HEX_ID, "0" * 32), (HEX_HASH, "a" * 64), (AREA_CODE, "75056"), (BASE64, "aGk=")],
)
def test_a_line_feed_is_no_part_of_a_parameter(pattern, good):
    assert re.search(pattern, good)
    assert not re.search(pattern, f"{good}\n")
