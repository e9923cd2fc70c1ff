"""Prints texts and tables literally on a terminal.

Names and versions come from chips, providers and operators. As rich's markup they could style, hide
or break the rest of a table. Characters that a terminal's encoding lacks are replaced by similar
ones.
"""

import codecs
import io
import re
import unicodedata
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_LIKENESS = "volet.likeness"
# Characters that Unicode does not decompose into simpler ones.
_SIMPLER = str.maketrans(
    {"€": "EUR", "œ": "oe", "Œ": "OE", "’": "'", "«": '"', "»": '"', "·": "-", "•": "*", "×": "x"}
    | dict.fromkeys("–—−", "-")
    | {"█": "#", "░": ".", "✓": "+", "✗": "!", "ε": "epsilon", "δ": "delta", "ρ": "rho"}
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_BYTES = range(0xDC80, 0xDD00)
# Controls, and what turns the direction of writing or has no width.
_OBEYED = {"Cc", "Cf"}


def plain_console(width: int | None = None) -> "Console":
    """Return a console that prints text literally: no markup, no emoji codes, no highlighting."""
    from rich.console import Console  # noqa: PLC0415 - 4 MB, which a program that runs on does not need

    return Console(width=width, markup=False, emoji=False, highlight=False)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun; `plural` is the noun and an s if not given."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def literal(text: str) -> str:
    """Return a text in which what a terminal would obey, or hide, is spelled out."""
    return "".join(
        sign if unicodedata.category(sign) not in _OBEYED or sign in "\n\t" else ascii(sign)[1:-1]
        for sign in text
    )


def show_likeness(*streams: TextIO) -> None:
    """Make these streams replace characters that their encoding lacks: é by e, € by EUR."""
    codecs.register_error(_LIKENESS, _likeness)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_LIKENESS)


def _likeness(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    likenesses = (_like(sign, error.encoding) for sign in error.object[error.start : error.end])
    return b"".join(likenesses), error.end


def _like(sign: str, encoding: str) -> bytes:
    if ord(sign) in _BYTES:  # a byte of a file name that is not text (PEP 383)
        return bytes([ord(sign) - 0xDC00])
    simpler = unicodedata.normalize("NFKD", sign.translate(_SIMPLER))
    return _ACCENTS.sub("", simpler).encode(encoding, "replace")
