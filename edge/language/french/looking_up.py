"""Looks up the French for an English text."""

import re
from functools import lru_cache

from edge.language.choice import Lang
from edge.language.french.help import HELP
from edge.language.french.sentences import SENTENCES
from edge.language.numbers import days_in_french
from edge.language.typography import to_type, typeset

_TYPED = re.compile(r"(`[^`]*`)")
_NAME = re.compile(r"\\{(\w+)\\}")


def help_in(lang: Lang, text: str) -> str:
    """Return a help text in a language, or the English if there is no translation."""
    known = None if lang is Lang.EN else HELP.get(" ".join(text.split()))
    return text if known is None else typeset(known)


@lru_cache(maxsize=512)  # `decode` translates the same labels for each frame
def sentence_in(lang: Lang, text: str) -> str:
    """Return a sentence in a language, with the English values in its placeholders.

    Days stand in it as the language writes them.
    """
    known = None if lang is Lang.EN else known_sentence(text)
    if known is None:
        return text
    english, values = known
    translated = {name: sentence_in(lang, value) for name, value in values.items()}
    said = {name: days_in_french(value) for name, value in translated.items()}
    # Within backticks is what a person types, and days are typed as in English.
    return "".join(
        to_type(part.format(**translated), Lang.FR) if part.startswith("`") else part.format(**said)
        for part in _TYPED.split(typeset(SENTENCES[english]))
    )


def known_sentence(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the English pattern that matches a sentence and its values, if it has a French one."""
    flat = " ".join(text.split())
    matches = [
        (english, match) for english, pattern in _patterns() if (match := pattern.fullmatch(flat))
    ]
    if not matches:
        return None
    # The pattern with the shortest values is the most specific.
    english, match = min(matches, key=lambda candidate: sum(map(len, candidate[1].groups())))
    return english, match.groupdict()


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (english, re.compile(_NAME.sub(r"(?P<\1>\\S(?:.*?\\S)?)", re.escape(english))))
        for english in SENTENCES
    )
