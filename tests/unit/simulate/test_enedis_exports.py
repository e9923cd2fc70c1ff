"""An export of Enedis gives the curve its energy, whatever its form, or an error that names a line."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.simulate.curve_files import load_curve
from protocol.calendar import PARIS
from protocol.errors import FrameError

SHARED = Path(os.environ.get("VOLET_SHARED", Path(__file__).resolve().parents[4] / "shared"))
CASES = SHARED / "cases" / "bills"
HOUR_S = 3_600
# The night on which the clock goes back, and the one on which it goes forward.
DST_NIGHTS = (datetime(2023, 10, 28, 22, tzinfo=UTC), datetime(2023, 3, 25, 23, tzinfo=UTC))
ORDINARY = datetime(2023, 3, 2, tzinfo=UTC)

runs = st.lists(
    st.tuples(
        st.sampled_from([10, 15, 30, 60]), st.lists(st.integers(0, 9_000), min_size=1, max_size=9)
    ),
    min_size=1,
    max_size=3,
)
beginnings = st.sampled_from([*DST_NIGHTS, ORDINARY])


def energy_wh(curve):
    return int(curve.power_w.sum()) * curve.step_s / HOUR_S


def load(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return load_curve(path)


def steps(begin, runs):
    """Lay runs of (minutes, watts) end to end; returns (start, end, watts)."""
    at, laid = begin, []
    for minutes, watts in runs:
        for each in watts:
            laid.append((at, at + timedelta(minutes=minutes), each))
            at += timedelta(minutes=minutes)
    return laid


def right_or_refused_by_line(path, text, laid):
    curve, why = None, ""
    try:
        curve = load(path, text)
    except FrameError as exc:
        why = str(exc)
    if curve is None:
        assert re.match(rf"{re.escape(str(path))}, line \d+: ", why)
        return
    expected_wh = sum(watts * (end - start).total_seconds() for start, end, watts in laid) / HOUR_S
    assert energy_wh(curve) == pytest.approx(expected_wh)
    assert curve.start == laid[0][0]
    assert curve.end == laid[-1][1]


@pytest.mark.xfail(reason="steps that become shorter lose half of the energy before the change")
@given(begin=beginnings, runs=runs)
def test_steps_that_change_lose_no_energy(tmp_path_factory, begin, runs):
    laid = steps(begin, runs)
    rows = "".join(f"{end.astimezone(PARIS).isoformat()};{watts}\n" for _, end, watts in laid)
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    right_or_refused_by_line(path, f"Horodate;Valeur\n{rows}", laid)


@pytest.mark.xfail(reason="the export since 2024 is refused at its first line")
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Début;Fin;Valeur (en Kw)\n{0};{1};4,030\n{1};{2};3,010\n", "utf-8"),
        ("Début;Fin;Valeur (en kW)\r\n{0};{1};4.030\r\n{1};{2};3.010\r\n", "utf-8-sig"),
        ('Début,Fin,Valeur (en Kw)\n{0},{1},"4,030"\n{1},{2},"3,010"\n', "cp1252"),
    ],
)
def test_the_export_since_2024_is_read(tmp_path, text, encoding):
    instants = [f"02/03/2023 0{each}:00" for each in ("0:00", "0:30", "1:00")]
    curve = load(tmp_path / "curve.csv", text.format(*instants), encoding)
    assert curve.start == datetime(2023, 3, 1, 23, tzinfo=UTC)
    assert (curve.step_s, curve.power_w.tolist()) == (1_800, [4_030, 3_010])


@pytest.mark.xfail(reason="no case beside the project is read right", strict=False)
@pytest.mark.parametrize(
    ("name", "start", "expected_wh"),
    [
        ("dst82", "2023-10-29T00:30+02:00", 524),
        ("comma30", "2023-10-29T00:30+02:00", 524),
        ("newexport99", "2023-03-02T00:00+01:00", 4_520),
    ],
)
def test_real_exports_have_their_energy(name, start, expected_wh):
    path = CASES / f"{name}.csv"
    if not path.exists():
        pytest.skip("no exports beside the project")
    curve = load_curve(path)
    assert (curve.start, energy_wh(curve)) == (datetime.fromisoformat(start), expected_wh)
