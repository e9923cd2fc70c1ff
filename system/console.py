"""The terminal as texts and tables are printed on it: whatever is printed stands there as it is.

Names and versions come from chips, providers and operators. Read as rich's markup they would
style, hide or break the rest of a table. What a terminal's encoding lacks is shown by its likeness.
"""

import codecs
import io
import re
import unicodedata
from typing import TextIO

from rich.console import Console

_LIKENESS = "volet.likeness"
# What Unicode does not take apart into simpler signs.
_SIMPLER = str.maketrans(
    {"€": "EUR", "œ": "oe", "Œ": "OE", "’": "'", "«": '"', "»": '"', "·": "-", "•": "*", "×": "x"}
    | dict.fromkeys("–—−", "-")
    | {"█": "#", "░": ".", "✓": "+", "✗": "!", "ε": "epsilon", "δ": "delta", "ρ": "rho"}
)
_ACCENTS = re.compile("[\u0300-\u036f]")
_BYTES = range(0xDC80, 0xDD00)


def plain_console(width: int | None = None) -> Console:
    """Return a console that takes text for text: no markup, no emoji codes, no highlighting."""
    return Console(width=width, markup=False, emoji=False, highlight=False)


def show_likeness(*streams: TextIO) -> None:
    """Let these streams show what their encoding lacks by its likeness: é as e, € as EUR."""
    codecs.register_error(_LIKENESS, _likeness)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_LIKENESS)


def _likeness(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = (_like(sign, error.encoding) for sign in error.object[error.start : error.end])
    return b"".join(found), error.end


def _like(sign: str, encoding: str) -> bytes:
    if ord(sign) in _BYTES:  # a file's name that is no text, as Python keeps it (PEP 383)
        return bytes([ord(sign) - 0xDC00])
    simpler = unicodedata.normalize("NFKD", sign.translate(_SIMPLER))
    return _ACCENTS.sub("", simpler).encode(encoding, "replace")
