"""French as it is typed: tests compare words, not the spaces that print has."""

from edge.language.typography import NARROW_SPACE, WIDE_SPACE


def plain(text: str) -> str:
    """Return a text with plain spaces in place of those at which no line breaks."""
    return text.replace(NARROW_SPACE, " ").replace(WIDE_SPACE, " ")
