"""The terminal as tables are printed on it: whatever is printed stands there as it is.

Names and versions come from chips, providers and operators. Read as rich's markup they would
style, hide or break the rest of a table.
"""

from rich.console import Console


def plain_console(width: int | None = None) -> Console:
    """Return a console that takes text for text: no markup, no emoji codes, no highlighting."""
    return Console(width=width, markup=False, emoji=False, highlight=False)
