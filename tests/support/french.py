"""French with plain spaces, so that tests compare words rather than typographic spaces."""

from edge.language.typography import NARROW_SPACE, WIDE_SPACE


def plain(text: str) -> str:
    """Return a text with plain spaces in place of non-breaking ones."""
    return text.replace(NARROW_SPACE, " ").replace(WIDE_SPACE, " ")
