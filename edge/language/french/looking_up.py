"""The French for an English text, where there is one."""

import re
from functools import lru_cache

from edge.language.choice import Lang
from edge.language.french.help import HELP
from edge.language.french.sentences import SENTENCES
from edge.language.typography import typeset

_NAME = re.compile(r"\\{(\w+)\\}")


def help_in(lang: Lang, text: str) -> str:
    """Return a help text in a language; the English where there is no other."""
    known = None if lang is Lang.EN else HELP.get(" ".join(text.split()))
    return text if known is None else typeset(known)


@lru_cache(maxsize=512)  # a meter says the same again and again
def sentence_in(lang: Lang, text: str) -> str:
    """Return a sentence in a language, with what the English has in its places."""
    known = None if lang is Lang.EN else known_sentence(text)
    if known is None:
        return text
    english, places = known
    return typeset(SENTENCES[english]).format(
        **{name: sentence_in(lang, value) for name, value in places.items()}
    )


def known_sentence(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the English pattern of a sentence that has its French, and what is in its places."""
    flat = " ".join(text.split())
    found = [(each, match) for each, pattern in _patterns() if (match := pattern.fullmatch(flat))]
    if not found:
        return None
    # The one that leaves the least to its places says the most.
    english, match = min(found, key=lambda each: sum(map(len, each[1].groups())))
    return english, match.groupdict()


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (english, re.compile(_NAME.sub(r"(?P<\1>\\S(?:.*?\\S)?)", re.escape(english))))
        for english in SENTENCES
    )
