"""French stands as it is printed in France, and a terminal that lacks its signs shows it still."""

import os
import subprocess
import sys

import pytest

from edge.vault.database import open_database

NARROW, WIDE = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"


def told(arguments, **environment):
    """Return what `volet edge` says, as bytes of standard output and standard error."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    done = subprocess.run(
        [sys.executable, "-m", "volet.main", "edge", *arguments],
        env={**known, "LANG": "fr_FR.UTF-8", "PYTHONUTF8": "0", **environment},
        capture_output=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.xfail(strict=True, reason="French has plain spaces before its signs, and breaks there")
def test_what_a_household_reads_does_not_break_before_a_sign(tmp_path):
    missing = told(["letters", "--dir", str(tmp_path)], PYTHONIOENCODING="utf-8").decode()
    assert f"n'existe pas{NARROW}; créez les clés" in missing
    assert (
        told(["letters", "--help"], PYTHONIOENCODING="utf-8").decode().startswith(f"Usage{WIDE}:")
    )


def test_a_terminal_without_these_signs_shows_the_text(tmp_path):
    open_database(tmp_path / "vault.db").close()
    said = told(["budget", "--dir", str(tmp_path)], PYTHONIOENCODING="latin-1")
    assert "Traceback" not in said.decode("latin-1")
    assert "epsilon = 0,0" in said.decode("latin-1")
