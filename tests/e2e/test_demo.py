"""The demo as a newcomer runs it, with fewer homes and less patience."""

import subprocess
import sys

import pytest


@pytest.mark.timeout(180)
def test_the_demo_bills_every_home_to_the_cent_and_leaves_nothing_behind(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "volet.demo",
            "--homes",
            "3",
            "--seconds",
            "12",
            "--neighbours",
            "0",
        ],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 homes: bill equal to the cent, line by line." in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_curve_that_is_not_one_is_named(tmp_path):
    curve = tmp_path / "curve.csv"
    curve.write_text("start_utc,energy_wh\nyesterday,5\n")
    done = subprocess.run(
        [sys.executable, "-m", "volet.demo", "--homes", "1", "--curve", str(curve)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "curve.csv" in done.stderr
    assert "line 2" in done.stderr
