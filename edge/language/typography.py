"""The spaces of French typography: no line breaks before a punctuation mark or a unit.

Texts are typed with plain spaces, which become no-break spaces here (Imprimerie nationale, "Lexique
des règles typographiques"): narrow before `;`, `!` and `?`, and of full width before `:`, within
guillemets and before a unit. No other character changes, and commands in backticks stay as typed, but
for the placeholders in them, which stand for what a person fills in.
"""

import re
from typing import TypeVar, cast

from edge.language.choice import Lang

T = TypeVar("T")

NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
WIDE_SPACE = "\N{NO-BREAK SPACE}"

# A closing brace ends the placeholder of a number.
_SPACES = re.compile(
    r"(?P<command>`[^`]*`)"
    r"|(?P<narrow> (?=[;!?](?![^\s»)])))"
    r"|(?P<wide> (?=:(?!\S))| (?=»)|(?<=«) "
    r"|(?<=[\d}]) (?=(?:kWh|kVA|Wh|VA|W|A|V|€|%|s|min|h)(?![\w'’])))"
)
PLACEHOLDERS = {
    "DAY": "JOUR",
    "ENROLMENT.json": "INSCRIPTION.json",
    "FILE": "FICHIER",
    "FINGERPRINT": "EMPREINTE",
    "FORMER.json": "ANCIENNE.json",
    "MONTHS": "MOIS",
    "NAME": "NOM",
    "NEW": "NOUVEAU",
    "OFFER.json": "OFFRE.json",
    "SHEET.html": "FICHE.html",
}
# What click calls the values of options, and the parts of a command, in a line on how it is used.
FILLED_IN = PLACEHOLDERS | {
    "[ARGS]...": "[ARGUMENTS]...",
    "COMMAND": "COMMANDE",
    "DIRECTORY": "RÉPERTOIRE",
    "FLOAT": "NOMBRE",
    "FLOAT RANGE": "NOMBRE",
    "INTEGER": "ENTIER",
    "INTEGER RANGE": "ENTIER",
    "MB": "Mo",
    "NAME=VALUE,…": "NOM=VALEUR,…",
    "PATH": "CHEMIN",
    "SECONDS": "SECONDES",
    "TEXT": "TEXTE",
    "YYYY-MM-DD": "AAAA-MM-JJ",
}
_USAGE = re.compile(
    r"(?<![\w.-])(?:"
    + "|".join(map(re.escape, sorted(FILLED_IN, key=len, reverse=True)))
    + r")(?![\w.-])"
)
_PLACEHOLDER = re.compile(rf"(?<![^ `])(?:{'|'.join(map(re.escape, PLACEHOLDERS))})(?![^ `])")
_SET = {"narrow": NARROW_SPACE, "wide": WIDE_SPACE}


def typeset(text: str) -> str:
    """Return a French text, or a pattern with placeholders, with typographic spaces."""
    return _SPACES.sub(
        lambda match: _SET.get(match.lastgroup or "") or to_type(match[0], Lang.FR), text
    )


def to_type(command: str, lang: Lang) -> str:
    """Return a command, written with English placeholders, with those of the language."""
    if lang is Lang.EN:
        return command
    return _PLACEHOLDER.sub(lambda match: PLACEHOLDERS[match[0]], command)


def filled_in_french(usage: str) -> str:
    """Return a line on how a command is used with French words for what a person fills in."""
    return _USAGE.sub(lambda match: FILLED_IN[match[0]], usage)


def bilingual(*, fr: T, en: T) -> dict[Lang, T]:
    """Return texts, or dicts and tuples of texts, by language; the French are typeset."""
    return {Lang.FR: _typeset_all(fr), Lang.EN: en}


def measure(value: str, unit: str, lang: Lang) -> str:
    """Format a value and its unit with the language's space between them."""
    return f"{value}{WIDE_SPACE if lang is Lang.FR else ' '}{unit}"


def _typeset_all(texts: T) -> T:
    result: object = texts
    match texts:
        case str():
            result = typeset(texts)
        case dict():
            result = {key: _typeset_all(text) for key, text in texts.items()}
        case tuple():
            make = getattr(texts, "_make", tuple)
            result = make(_typeset_all(text) for text in texts)
    return cast("T", result)
