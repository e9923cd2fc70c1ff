"""Curves from files and from a seed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.simulate.curve import Curve
from edge.simulate.curve_files import load_curve, save_curve
from edge.simulate.household import surplus_curve, synthetic_curve
from protocol.calendar import day_start
from protocol.errors import FrameError

ENEDIS = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
    "1;Courbe de charge;29/06/2022;29/07/2023;Energie active;Consommation;Comptage Brut;W;\n"
    "Horodate;Valeur\n"
)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "curve.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_own_format_gives_the_beginning_and_the_energy_of_a_step(tmp_path):
    text = "start_utc,energy_wh\n2025-01-01T00:00:00Z,100\n2025-01-01T00:15:00Z,25\n"
    curve = load_curve(written(tmp_path, text))
    assert curve.start == datetime(2025, 1, 1, tzinfo=UTC)
    assert (curve.step_s, curve.power_w.tolist()) == (900, [400, 100])


def test_enedis_format_gives_the_end_and_the_mean_power_of_a_step(tmp_path):
    text = f"{ENEDIS}2022-07-29T00:30:00+02:00;330\n2022-07-29T01:00:00+02:00;364\n"
    curve = load_curve(written(tmp_path, text))
    assert curve.start == datetime(2022, 7, 28, 22, tzinfo=UTC)
    assert (curve.step_s, curve.power_w.tolist()) == (1_800, [330, 364])


def test_steps_that_are_missing_or_empty_draw_nothing(tmp_path):
    text = (
        f"{ENEDIS}2022-10-30T02:30:00+02:00;100\n2022-10-30T02:00:00+01:00;200\n"
        "2022-10-30T02:30:00+01:00;\n2022-10-30T03:30:00+01:00;300\n"
        "2022-10-30T04:00:00+01:00;400\n"
    )
    curve = load_curve(written(tmp_path, text))
    assert curve.power_w.tolist() == [100, 200, 0, 0, 300, 400]


@given(energies_wh=st.lists(st.integers(0, 9_000), min_size=2, max_size=50))
def test_saved_curve_reads_back(tmp_path_factory, energies_wh):
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    curve = Curve(1_735_689_600, 900, np.array(energies_wh, dtype=np.int64) * 4)
    save_curve(path, curve)
    again = load_curve(path)
    assert (again.start_s, again.step_s) == (curve.start_s, curve.step_s)
    assert again.power_w.tolist() == curve.power_w.tolist()


OWN = "start_utc,energy_wh\n2025-01-01T00:00:00Z,100\n2025-01-01T00:15:00Z,25\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "expected the header"),
        ("time,power\n", 1, "expected the header `start_utc,energy_wh` or an Enedis export"),
        ("start_utc,energy_wh\n", 1, "needs two steps"),
        (OWN + "2025-01-01T00:30:00Z\n", 4, "expected 2 columns, found 1"),
        (OWN.replace("2025", "0001"), 2, "1 is not a year from 2000 to 2098"),
        (OWN.replace("2025", "9999"), 2, "9999 is not a year"),
        (OWN + "01/01/2025 00:30,12\n", 4, "not an ISO 8601 instant"),
        (OWN + "2025-01-01T00:30:00Z,-4\n", 4, "energy_wh '-4' is not a whole number"),
        (OWN + "2025-01-01T00:30:00Z,1.5\n", 4, "energy_wh '1.5' is not a whole number"),
        (OWN + "2025-01-01T00:30:00Z,999999\n", 4, "more than a household's meter"),
        (OWN + "2025-01-01T00:15:00Z,4\n", 4, "does not come after"),
        (OWN + "2025-01-01T00:40:00Z,4\n", 4, "not on the grid of 900 s"),
        (OWN + "2075-01-01T00:00:00Z,4\n", 4, "more than 20 years"),
        (OWN.replace("00:15", "00:07"), 3, "do not divide an hour"),
        (ENEDIS.replace(";W;", ";VA;"), 2, "in W, found the unit 'VA'"),
        (ENEDIS.replace("Horodate;", "Heure;"), 3, "expected `Horodate;Valeur`"),
        (ENEDIS + "2022-07-29T00:30:00;330\n", 4, "has no UTC offset"),
    ],
)
def test_bad_curve_is_refused_with_file_line_and_reason(tmp_path, text, line, what):
    path = written(tmp_path, text)
    with pytest.raises(FrameError) as caught:
        load_curve(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, line {line}: ")
    assert what in message
    assert "\n" not in message


def test_file_that_is_missing_or_no_text_is_refused(tmp_path):
    with pytest.raises(FrameError, match="cannot be read: No such file"):
        load_curve(tmp_path / "absent.csv")
    (tmp_path / "curve.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FrameError, match="not a text file"):
        load_curve(tmp_path / "curve.csv")


def test_synthetic_year_is_a_plausible_household():
    start, end = date(2025, 1, 1), date(2026, 1, 1)
    for seed in range(6):
        curve = synthetic_curve(seed, start, end, kva=6)
        assert curve.start == day_start(start)
        assert curve.end == day_start(end)
        kwh = int(curve.power_w.sum()) / 4_000
        assert 1_200 < kwh < 12_000
        assert 0 <= curve.power_w.min() < 250 < curve.power_w.max() <= 5_400


def test_synthetic_household_heats_in_winter_and_sleeps_at_night():
    winter = synthetic_curve(4, date(2025, 1, 6), date(2025, 1, 31))
    summer = synthetic_curve(4, date(2025, 6, 2), date(2025, 6, 27))
    assert winter.power_w.mean() > summer.power_w.mean()
    by_quarter = summer.power_w.reshape(-1, 96).mean(axis=0)
    assert by_quarter[76:84].mean() > by_quarter[12:20].mean()  # 19-21 h, 3-5 h


def test_same_seed_is_the_same_household_whatever_the_period():
    long = synthetic_curve(9, date(2025, 3, 1), date(2025, 5, 1))
    short = synthetic_curve(9, date(2025, 3, 29), date(2025, 4, 2))
    first = int((short.start - long.start) / timedelta(minutes=15))
    assert long.power_w[first : first + len(short.power_w)].tolist() == short.power_w.tolist()
    assert synthetic_curve(10, date(2025, 3, 29), date(2025, 4, 2)).power_w.tolist() != (
        short.power_w.tolist()
    )


def test_panels_inject_by_day_only():
    drawn = synthetic_curve(2, date(2025, 6, 1), date(2025, 6, 8))
    surplus = surplus_curve(drawn, 2)
    by_quarter = surplus.power_w.reshape(-1, 96).sum(axis=0)
    assert by_quarter.sum() > 0
    assert by_quarter[:20].sum() == by_quarter[92:].sum() == 0
