"""`volet provider tariff …` from files to signed documents that the transparency log takes."""

import json
from datetime import date

import msgspec
import pytest
from click.testing import CliRunner

from protocol.catalogue import Catalogue
from protocol.contract import Signed
from protocol.errors import DocumentRefused
from volet.main import volet

NIGHT = {"seasons": [{"off_peak": ["22:30-06:30"]}]}


@pytest.fixture
def run(tmp_path):
    runner = CliRunner()

    def command(*arguments, exit_code=0):
        given = [str(each) for each in ("provider", *arguments)]
        result = runner.invoke(volet, given, catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result.output

    command("init", "--dir", tmp_path / "publisher")
    return command


def listed(*paths):
    catalogue = Catalogue()
    return [
        catalogue.admit(msgspec.json.decode(path.read_bytes(), type=Signed), date(2026, 11, 24))
        for path in paths
    ]


def test_regulated_tariffs_are_written_checked_and_offered(run, tmp_path):
    out = tmp_path / "tariffs"
    run("tariff", "regulated", "--option", "tempo", "--kva", 9, "--out", out)
    files = sorted(out.iterdir())
    assert len(files) == 6
    assert "0 errors, 0 warnings." in run("tariff", "check", *files)
    offer = tmp_path / "offer.json"
    run("offer", "--dir", tmp_path / "publisher", "--out", offer, *files)
    (document,) = listed(offer)
    assert [str(tariff.valid_from) for tariff in document.tariffs] == [
        path.stem[-10:] for path in files
    ]
    assert "0 errors, 0 warnings." in run("tariff", "check", offer)


def test_regulated_names_what_is_assumed_and_refuses_a_power_that_is_not_offered(run, tmp_path):
    arguments = ("--option", "base", "--since", "2026-08-01", "--out", tmp_path / "t")
    assert "Excise" in run("tariff", "regulated", "--kva", 6, *arguments)
    with pytest.raises(DocumentRefused, match="no base at 7 kVA"):
        run("tariff", "regulated", "--kva", 7, *arguments)
    run("tariff", "regulated", "--kva", 6, "--calendar", "x", *arguments, exit_code=2)


def test_calendars_and_series_are_signed_and_can_be_listed(run, tmp_path):
    signer = ("--dir", tmp_path / "publisher")
    windows = tmp_path / "windows.json"
    windows.write_text(json.dumps(NIGHT))
    peaks = tmp_path / "peaks.csv"
    peaks.write_text("2026-01-06\n")
    prices = tmp_path / "prices.csv"
    prices.write_text("2026-01-01T00:00Z,-80.5\n2026-01-01T01:00Z,2\n")
    span = ("--from", "2026-01-01", "--to", "2026-12-31")
    made = [tmp_path / f"{name}.json" for name in ("hphc", "tempo", "ejp", "series")]
    run("tariff", "hphc", *signer, "--name", "m", "--windows", windows, *span, "--out", made[0])
    run("tariff", "tempo", *signer, "--name", "tempo", "--out", made[1])
    run("tariff", "ejp", *signer, "--name", "ejp", "--days", peaks, *span, "--out", made[2])
    run("tariff", "series", *signer, "--name", "spot", "--prices", prices, "--out", made[3])
    documents = listed(*made)
    assert [document.name for document in documents] == ["m", "tempo", "ejp", "spot"]
    assert "JC144" in documents[1].source
    assert "0 errors, 0 warnings." in run("tariff", "check", *made)


def test_a_later_document_follows_the_former_one(run, tmp_path):
    signer = ("--dir", tmp_path / "publisher", "--name", "tempo")
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    run("tariff", "tempo", *signer, "--to", "2025-09-01", "--out", first)
    run("tariff", "tempo", *signer, "--from", "2025-09-01", "--out", second)
    former, later = listed(first, second)
    assert former.end == later.start


def test_check_ends_with_1_and_says_all_as_json(run, tmp_path):
    path = tmp_path / "tariff.json"
    path.write_text('{\n "provider": 1,\n "currency": "CHF"\n}')
    found = json.loads(run("tariff", "check", "--json", path, exit_code=1))
    assert found["errors"] == len(found["problems"]) == 8
    assert found["problems"][-1] == {
        "file": str(path),
        "line": 3,
        "path": "currency",
        "severity": "error",
        "message": "Invalid enum value 'CHF'.",
        "fix": 'Write "EUR".',
    }
    words = run("tariff", "check", path, exit_code=1)
    assert f"{path}:3: error: currency: Invalid enum value 'CHF'." in words
    assert words.endswith("8 errors, 0 warnings.\n")


def test_check_names_a_damaged_signed_document(run, tmp_path):
    out = tmp_path / "tempo.json"
    run("tariff", "tempo", "--dir", tmp_path / "publisher", "--name", "tempo", "--out", out)
    signed = json.loads(out.read_text())
    out.write_text(json.dumps(signed | {"kind": "PriceSeries"}))
    assert "1 error, 0 warnings." in run("tariff", "check", out, exit_code=1)


def test_schemas_are_printed(run):
    assert json.loads(run("tariff", "schema", "tariff"))["title"] == "Tariff"
