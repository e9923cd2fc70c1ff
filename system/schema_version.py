"""Which versions of a database's schema a program can use.

Versions of one hundred only add tables, and columns with a default, to the ones before. So a
program upgrades an older file, and uses a later one of its hundred as it is: a release can go back
to the one before with what it has stored. What breaks that begins a new hundred.
"""

_HUNDRED = 100


def is_usable(version: int, known: int) -> bool:
    """Return whether a program that knows schema `known` can use or upgrade one of `version`."""
    return 0 < version < (known // _HUNDRED + 1) * _HUNDRED
