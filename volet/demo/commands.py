"""`volet` commands within this process: what an operator would type, without half a second each."""

import contextlib
import io
from pathlib import Path

from volet.main import volet as command


def volet(*words: str | Path) -> str:
    """Run a command; returns what it prints. Raises what the command raises."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        command.main([str(word) for word in words], prog_name="volet", standalone_mode=False)
    return printed.getvalue()
