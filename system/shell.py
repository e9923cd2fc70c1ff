"""Quotes values in commands that messages ask people to type."""

import shlex


def quoted(value: object) -> str:
    """Return a value quoted for the shell if necessary, such as a path with a space."""
    return shlex.quote(str(value))
