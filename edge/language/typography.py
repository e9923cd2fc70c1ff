"""The spaces of French: none before a sign or a unit is one where a line may break.

Texts are typed with plain spaces; here they become those that print has (Imprimerie nationale,
"Lexique des règles typographiques"): narrow before `;`, `!` and `?`, of full width before `:`,
within guillemets and before a unit. No other character changes, and no command in backticks.
"""

import re
from typing import TypeVar, cast

from edge.language.choice import Lang

T = TypeVar("T")

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
WIDE_SPACE = "\N{NO-BREAK SPACE}"

# A brace ends the place of a number that is not known yet.
_SPACES = re.compile(
    r"(?P<command>`[^`]*`)"
    r"|(?P<narrow> (?=[;!?](?![^\s»)])))"
    r"|(?P<wide> (?=:(?!\S))| (?=»)|(?<=«) "
    r"|(?<=[\d}]) (?=(?:kWh|kVA|Wh|VA|W|A|V|€|%|s|min|h)(?![\w'’])))"
)
_SET = {"narrow": NARROW_SPACE, "wide": WIDE_SPACE}


def typeset(text: str) -> str:
    """Return a French text, or its pattern with places in braces, with the spaces of print."""
    return _SPACES.sub(lambda found: _SET.get(found.lastgroup or "", found[0]), text)


def bilingual(*, fr: T, en: T) -> dict[Lang, T]:
    """Return texts by language, or tables and tuples of texts, the French typeset."""
    return {Lang.FR: _typeset_all(fr), Lang.EN: en}


def measure(value: str, unit: str, lang: Lang) -> str:
    """Write a value and its unit as the language does."""
    return f"{value}{WIDE_SPACE if lang is Lang.FR else ' '}{unit}"


def _typeset_all(texts: T) -> T:
    typeset_ones: object = texts
    match texts:
        case str():
            typeset_ones = typeset(texts)
        case dict():
            typeset_ones = {key: _typeset_all(each) for key, each in texts.items()}
        case tuple():
            make = getattr(texts, "_make", tuple)
            typeset_ones = make(_typeset_all(each) for each in texts)
    return cast("T", typeset_ones)
