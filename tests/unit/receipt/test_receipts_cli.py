"""`volet edge receipts`: what was signed off, what holds receipts back, and the household's word."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from edge.bills.release_token import FILE_NAME, watched_release_token
from edge.commands.receipts import receipts
from edge.vault.receipts import OwnReceiptRow
from protocol.errors import VoletError
from tests.support.receipts import Home

STATEMENT = b"s" * 16
AT = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    """A chip with one bill that was signed off."""
    made = Home(tmp_path / "home")
    made.begin()
    made.live(32)
    made.ask(0, 31, STATEMENT)
    yield made
    made.kill()


def run(home, *options):
    return CliRunner().invoke(receipts, ["--dir", str(home.directory), *options])


def test_what_was_signed_off_is_shown(home):
    assert "reçu remis" in run(home, "--lang", "fr").output
    assert "receipt delivered" in run(home, "--lang", "en").output
    told = json.loads(run(home, "--json").output)
    assert told == {
        "statements": [
            {
                "statement": STATEMENT.hex(),
                "start": "2026-01-01",
                "end": "2026-02-01",
                "receipt": "stored",
                "held": None,
            }
        ],
        "mismatches": 0,
        "is_held": False,
        "days_in_doubt": 0,
    }


def test_what_holds_receipts_back_is_said_with_the_next_step(home):
    with home.vault.receipt_change() as tables:
        tables.put(OwnReceiptRow(b"u" * 16, b"c" * 32, False, b"body", AT), [1])
        tables.presume([2, 3])
        tables.put_mismatch(b"1" * 16)
        tables.put_mismatch(b"2" * 16)
    for lang in ("fr", "en"):
        shown = run(home, "--lang", lang).output
        assert shown.count("volet edge receipts --release") == 2
        assert " 2 " in shown


def test_the_households_word_is_asked_for_and_heard_once(home):
    token = watched_release_token(home.directory)
    assert token() == ""
    assert (
        CliRunner()
        .invoke(receipts, ["--dir", str(home.directory), "--release"], input="n\n")
        .exit_code
    )
    assert token() == ""
    assert run(home, "--release", "--yes").exit_code == 0
    first = token()
    assert len(first) == 32
    assert (home.directory / FILE_NAME).stat().st_mode & 0o777 == 0o600
    run(home, "--release", "--yes")
    assert token() not in ("", first)


def test_a_word_said_where_no_chip_lives_is_refused(tmp_path):
    refused = CliRunner().invoke(receipts, ["--dir", str(tmp_path), "--release", "--yes"])
    assert isinstance(refused.exception, VoletError)
    assert list(tmp_path.iterdir()) == []
