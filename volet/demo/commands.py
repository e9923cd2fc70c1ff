"""Runs `volet` commands in this process, as an operator would type them, without a start each."""

import contextlib
import io
from pathlib import Path

from volet.main import volet as command


def volet(*words: str | Path) -> str:
    """Run a command and return its output; the command's exceptions pass through."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        command.main([str(word) for word in words], prog_name="volet", standalone_mode=False)
    return printed.getvalue()
