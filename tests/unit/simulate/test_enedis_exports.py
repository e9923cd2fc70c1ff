"""An export of Enedis gives the curve its energy, whatever its form, or an error that names a line."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, example, given
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


@example(ORDINARY, [(30, [636] * 6), (15, [635] * 6)])
@given(begin=beginnings, runs=runs)
def test_steps_that_change_lose_no_energy(tmp_path_factory, begin, runs):
    # The first row says nothing of its length, and one among others is taken for a hole.
    assume(len(runs) == 1 or all(len(watts) > 1 for _, watts in runs))
    laid = steps(begin, runs)
    rows = "".join(f"{end.astimezone(PARIS).isoformat()};{watts}\n" for _, end, watts in laid)
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    right_or_refused_by_line(path, f"Horodate;Valeur\n{rows}", laid)


@given(
    minutes=st.permutations([10, 15, 30, 60]),
    counts=st.tuples(st.integers(2, 9), st.integers(2, 9)),
    hole=st.integers(2, 30),
)
def test_a_hole_between_steps_of_two_lengths_is_refused(tmp_path_factory, minutes, counts, hole):
    before = steps(ORDINARY, [(minutes[0], [100] * counts[0])])
    after = steps(before[-1][1] + timedelta(hours=hole), [(minutes[1], [900] * counts[1])])
    rows = "".join(f"{end.isoformat()};{watts}\n" for _, end, watts in before + after)
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    with pytest.raises(FrameError, match=r"line \d+: whether rows are missing"):
        load(path, f"Horodate;Valeur\n{rows}")


@pytest.mark.parametrize("missing", range(1, 12))
def test_every_second_row_missing_for_a_while_is_no_longer_step(tmp_path, missing):
    laid = steps(ORDINARY, [(30, [100] * (8 + 2 * missing))])
    kept = laid[:4] + laid[4:-4][1::2] + laid[-4:]
    rows = "".join(f"{end.isoformat()};{watts}\n" for _, end, watts in kept)
    if missing == 1:  # a row that is missing among equal ones
        curve = load(tmp_path / "curve.csv", f"Horodate;Valeur\n{rows}")
        assert energy_wh(curve) == 100 * len(kept) / 2
        return
    with pytest.raises(FrameError, match="line 6: whether rows are missing"):
        load(tmp_path / "curve.csv", f"Horodate;Valeur\n{rows}")


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


@given(begin=beginnings, runs=runs, is_by_clock=st.booleans())
def test_steps_with_both_ends_have_their_energy_on_every_day(
    tmp_path_factory, begin, runs, is_by_clock
):
    def local(at, start=None):
        if is_by_clock and start is not None:  # the end as the start's clock would count it
            return (
                f"{start.astimezone(PARIS).replace(tzinfo=None) + (at - start):%d/%m/%Y %H:%M:%S}"
            )
        return f"{at.astimezone(PARIS):%d/%m/%Y %H:%M:%S}"

    laid = steps(begin, runs)
    rows = "".join(
        f"{local(start)};{local(end, start)};{watts / 1_000:.3f}\n".replace(".", ",")
        for start, end, watts in laid
    )
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    right_or_refused_by_line(path, f"Début;Fin;Valeur (en Kw)\n{rows}", laid)


@given(
    data=st.data(),
    watts=st.lists(st.integers(1, 9_000), min_size=12, max_size=40),
    minutes=st.sampled_from([10, 15, 30, 60]),
)
def test_rows_that_are_missing_draw_nothing_and_change_no_other(
    tmp_path_factory, data, watts, minutes
):
    gone = data.draw(st.integers(1, len(watts) - 2))
    laid = [each for at, each in enumerate(steps(ORDINARY, [(minutes, watts)])) if at != gone]
    rows = "".join(f"{end.isoformat()};{power}\n" for _, end, power in laid)
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    right_or_refused_by_line(path, f"Horodate;Valeur\n{rows}", laid)


def test_a_row_that_stands_twice_is_refused_by_its_line(tmp_path):
    row = "2023-03-02T00:30:00+01:00;330\n"
    with pytest.raises(FrameError, match="line 3: the instant does not come after"):
        load(tmp_path / "curve.csv", f"Horodate;Valeur\n{row}{row}")
    row = "02/03/2023 00:00:00;02/03/2023 00:30:00;4,030\n"
    with pytest.raises(FrameError, match="line 3: the instant does not come after"):
        load(tmp_path / "curve.csv", f"Début;Fin;Valeur (en Kw)\n{row}{row}")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("02/03/2023 00:00:00;02/03/2023 00:30:00", "expected 3 columns, found 2"),
        ("02/03/2023 00:00:00;02/03/2023 02:30:00;1", "is no step of an hour at most"),
        ("2023-03-02;02/03/2023 00:30:00;1", "is no instant such as"),
        ("02/03/2023 00:00:00;02/03/2023 00:30:00;-1", "is not a number from 0 up"),
        ("02/03/2023 00:00:00;02/03/2023 00:30:00;1,0305", "is not a whole number of watts"),
        ("02/03/2023 00:00:00;02/03/2023 00:30:00;999", "more than a household's meter"),
    ],
)
def test_a_row_since_2024_that_cannot_be_read_is_refused_by_its_line(tmp_path, row, what):
    with pytest.raises(FrameError, match=rf"line 2: .*{what}"):
        load(tmp_path / "curve.csv", f"Début;Fin;Valeur (en Kw)\n{row}\n")


NIGHT = "29/10/2023 "
BOTH_PASSES = ["02:00", "02:30", "02:00", "02:30"]


def autumn_night(rows):
    """Lay out the night on which 02:00 comes twice; a row is its start, end and value."""
    laid = [("01:30", "02:00", "1"), *rows, ("03:00", "03:30", "6")]
    lines = [f"{NIGHT}{start}:00;{NIGHT}{end}:00;{value}\n" for start, end, value in laid]
    return f"Début;Fin;Valeur (en Kw)\n{''.join(lines)}"


@given(values=st.lists(st.sampled_from(["", "2", "3"]), min_size=4, max_size=4))
def test_an_hour_that_comes_twice_is_told_apart_whichever_rows_are_blank(tmp_path_factory, values):
    ends = ["02:30", "02:00", "02:30", "03:00"]
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    curve = load(path, autumn_night(zip(BOTH_PASSES, ends, values, strict=True)))
    expected = [1_000, *(int(each or 0) * 1_000 for each in values), 6_000]
    assert (curve.start.hour, curve.step_s) == (23, 1_800)
    assert curve.power_w.tolist() == expected


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([("02:00", "02:30", "2"), ("02:30", "03:00", "3")], 3),
        ([("02:30", "03:00", "3")], 3),
        ([("02:00", "02:30", "2"), ("02:00", "02:30", "2")], 4),
        ([("02:30", "03:00", "2"), ("02:30", "03:00", "2")], 4),
        ([("02:00", "02:30", "2"), ("02:00", "02:30", "2"), ("02:30", "03:00", "2")], 4),
    ],
)
def test_an_hour_that_comes_twice_and_stands_once_is_refused_by_its_line(tmp_path, rows, line):
    with pytest.raises(FrameError, match=rf"line {line}: .*comes twice"):
        load(tmp_path / "curve.csv", autumn_night(rows))


def test_an_instant_that_no_clock_shows_is_refused_by_its_line(tmp_path):
    rows = "26/03/2023 02:00:00;26/03/2023 02:30:00;1\n"
    with pytest.raises(FrameError, match="line 2: 26/03/2023 02:00:00 does not exist"):
        load(tmp_path / "curve.csv", f"Début;Fin;Valeur (en Kw)\n{rows}")


@pytest.mark.parametrize(
    ("header", "between"), [("Horodate;Valeur", ";"), ("start_utc,energy_wh", ",")]
)
def test_a_file_of_more_steps_than_memory_holds_is_refused_by_its_line(tmp_path, header, between):
    seconds = "".join(f"2005-01-01T00:00:0{at}Z{between}1\n" for at in range(5))
    text = f"{header}\n{seconds}2024-12-01T00:00:00Z{between}1\n"
    with pytest.raises(FrameError, match=r"line 7: .*steps of 1 s"):
        load(tmp_path / "curve.csv", text)


HEADERS = [
    "Horodate;Valeur",
    "Début;Fin;Valeur (en Kw)",
    "start_utc,energy_wh",
    "Identifiant PRM;a",
]


@given(
    header=st.sampled_from(HEADERS),
    rest=st.text(
        st.sampled_from('0129:-+T/;,."\t\n\r\0é ') | st.characters(codec="utf-8"), max_size=60
    ),
)
def test_any_text_is_a_curve_or_an_error_with_its_line(tmp_path_factory, header, rest):
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    why = f"{path}, line 1: "
    try:
        load(path, f"{header}\n{rest}", "utf-8")
    except FrameError as exc:
        why = str(exc)
    assert re.match(rf"{re.escape(str(path))}, line \d+: ", why)
