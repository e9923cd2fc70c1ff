"""What the demo says of the commune, and when it says that something did not hold."""

import io
from datetime import date

import msgspec
import numpy as np
import pytest
from rich.console import Console

from cloud.audit.attacks import AttackResult
from protocol.release import CurveRelease, FigureTerms
from volet.demo.area_findings import ReleasedDay
from volet.demo.area_play import Verified
from volet.demo.area_report import TownReport
from volet.demo.picture import Day

PLAIN = 1_000 + 400 * np.sin(np.arange(96) / 12)
TERMS = FigureTerms(219, 220, 0.995455, 2.0, 1e-6, 1.0, 154, 0.1, "00", "00", True)


def make_measured(day, *, off=1.02):
    curves = [tuple(map(float, curve)) for curve in (PLAIN * off, PLAIN * 0.1, PLAIN * 1.11)]
    release = CurveRelease("curve", "751114101", str(day), 0, "Wh", *curves, TERMS, "00", "00", ())
    picture = Day(
        group="751114101",
        day=day,
        plain_wh=PLAIN,
        released_wh=PLAIN * off,
        band_wh=PLAIN * 0.1,
        local_wh=PLAIN * 1.3,
        local_raw_wh=PLAIN * -8.0,
    )
    return ReleasedDay(picture, release, PLAIN * 1.5)


def make_finding(verdict, *, attack="re-identification", on="traffic", score=0.01):
    is_reference = verdict == "reference"
    limit = None if is_reference else 0.02
    return AttackResult(attack, on, score, 0.0, 1.0, 0.005, limit, 440, verdict, "all")


def make_report(width=100):
    out = io.StringIO()
    return TownReport(Console(file=out, width=width)), out


@pytest.fixture
def said():
    return make_report()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_curves_fit_the_terminal(width):
    report, out = make_report(width)
    report.figures([make_measured(date(2026, 3, 2))])
    (line,) = [each for each in out.getvalue().splitlines() if "219/220" in each]
    assert width - 12 < len(line) <= width or len(line) > 130
    assert "…" not in line


def test_every_day_stands_beside_plain_sum_and_local_noise(said):
    report, out = said
    report.figures([make_measured(date(2026, 3, day)) for day in (2, 3)])
    text = out.getvalue()
    assert "epsilon 4.3 between any two days" in " ".join(text.split())
    assert text.count("219/220") == 2
    assert "it held the plain sum in 100% of the quarter-hours" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
    rows = {line.split("  ")[0].strip(): line for line in text.splitlines()}
    assert "2.1%" in rows["released, noise shared by a crowd"]
    assert "31" in rows["crowd = 1, each home alone"]
    assert "51" in rows["the public profile, nobody asked"]


def test_a_trustee_that_is_gone_is_named_with_what_waited_for_it(said):
    report, out = said
    days = [make_measured(date(2026, 3, day)) for day in (2, 3, 4)]
    report.trustees("trustee-grid", 2, days, [])
    text = " ".join(out.getvalue().split())
    assert "trustee-grid was stopped, and 2 figures waited" in text
    assert "3 of 3 figures were released with a witness" in text


@pytest.mark.parametrize(
    ("verdict", "is_safe", "words"),
    [
        ("kept", True, "1 of 1 kept, 0 broken, 0 with"),
        ("too few", True, "0 of 1 kept, 0 broken, 1 with"),
        ("broken", False, "0 of 1 kept, 1 broken, 0 with"),
    ],
)
def test_an_attack_that_works_is_told_and_makes_the_demo_fail(said, verdict, is_safe, words):
    report, out = said
    plain = make_finding("reference", on="plain curves", score=0.25)
    assert report.audit([plain, make_finding(verdict)], 1_234) is is_safe
    text = " ".join(out.getvalue().split())
    assert words in text
    assert "1,234 captured messages" in text
    assert "0.250" in text


def test_words_that_are_not_uniform_make_the_demo_fail(said):
    report, out = said
    word = make_finding("broken", attack="chi-square of bytes", on="traffic: curve", score=44.0)
    assert not report.audit([msgspec.structs.replace(word, limit=6.0)], 1)
    assert "44.0 standard deviations" in " ".join(out.getvalue().split())


def test_a_release_that_does_not_come_out_again_makes_the_demo_fail(said):
    report, out = said
    assert report.verified(Verified(2, ()))
    assert not report.verified(Verified(2, ("curve of 751114101 on 2026-03-02: another.",)))
    assert "1 of 2 releases are the same again" in out.getvalue()
