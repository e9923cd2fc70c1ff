"""Values in commands that people are told to type."""

import shlex


def quoted(value: object) -> str:
    """Return a value as a shell reads it back: a path with a space stands in quotes."""
    return shlex.quote(str(value))
