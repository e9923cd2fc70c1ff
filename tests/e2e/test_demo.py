"""The demo as a newcomer runs it, with fewer homes and less patience."""

import subprocess
import sys

import pytest


def test_the_demo_bills_every_home_to_the_cent_and_leaves_only_the_papers_behind(tmp_path):
    scratch, papers = tmp_path / "scratch", tmp_path / "papers"
    scratch.mkdir()
    few = ("--homes", "3", "--seconds", "12", "--neighbours", "0")
    done = subprocess.run(
        [sys.executable, "-m", "volet.demo", *few, "--picture", str(papers / "town.svg")],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "TMPDIR": str(scratch)},
        check=False,
    )
    said = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 homes: bill equal to the cent, line by line." in said
    assert "proven from what the chip committed to day by day" in said
    assert "chèque énergie de 150 €" in said
    for offer in ("your contract", "Tarif Bleu base", "Fin de semaine", "Au prix du marché"):
        assert offer in said
    assert (papers / "facture.pdf").read_bytes().startswith(b"%PDF")
    assert {path.name for path in papers.iterdir()} == {"facture.pdf", "facture.html", "offres.svg"}
    assert list(scratch.iterdir()) == []


@pytest.mark.long
def test_two_neighbourhoods_are_released_audited_and_drawn(tmp_path):
    scratch, picture = tmp_path / "scratch", tmp_path / "made" / "town.svg"
    scratch.mkdir()
    few = ("--homes", "1", "--seconds", "10", "--neighbours", "200")
    done = subprocess.run(
        [sys.executable, "-m", "volet.demo", *few, "--picture", str(picture)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "TMPDIR": str(scratch)},
        check=False,
    )
    said = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert said.count("200/200") == 28
    assert "28 of 28 figures were released with a witness for each mask." in said
    assert "Alarms: 0." in said
    assert ", 0 broken, " in said
    assert "28 of 28 releases are the same again, bit for bit." in said
    assert picture.read_text("utf-8").startswith("<?xml")
    assert list(scratch.iterdir()) == []


def test_a_curve_that_is_not_one_is_named(tmp_path):
    curve = tmp_path / "curve.csv"
    curve.write_text("start_utc,energy_wh\nyesterday,5\n")
    done = subprocess.run(
        [sys.executable, "-m", "volet.demo", "--homes", "1", "--curve", str(curve)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "curve.csv" in done.stderr
    assert "line 2" in done.stderr
