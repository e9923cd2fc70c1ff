"""An Enedis export, damaged as files are, draws minute by minute what it says or names a line."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from edge.simulate.curve_files import load_curve
from protocol.calendar import PARIS
from protocol.errors import FrameError
from tests.support.sweeps import examples

MINUTE_S = 60
AUTUMN = datetime(2023, 10, 28, 22, tzinfo=UTC)
SPRING = datetime(2023, 3, 25, 23, tzinfo=UTC)
ORDINARY = datetime(2023, 3, 2, 23, tzinfo=UTC)


class Step(msgspec.Struct, frozen=True):
    """What a row says: mean watts from one instant to another, None for a blank cell."""

    start: datetime
    end: datetime
    watts: int | None


class Form(msgspec.Struct, frozen=True):
    """How a file is written."""

    by_span: bool
    newline: str
    encoding: str
    delimiter: str
    in_kw: bool


def laid(begin, runs):
    """Lay runs of (minutes, watts) end to end."""
    at, steps = begin, []
    for minutes, watts in runs:
        for each in watts:
            end = at + timedelta(minutes=minutes)
            steps.append(Step(at, end, each))
            at = end
    return steps


def cells(step, form):
    if not form.by_span:
        return [step.end.astimezone(PARIS).isoformat(), "" if step.watts is None else step.watts]
    ends = [f"{at.astimezone(PARIS):%d/%m/%Y %H:%M:%S}" for at in (step.start, step.end)]
    if step.watts is None:
        return [*ends, ""]
    value = f"{step.watts / 1_000:.3f}".replace(".", ",") if form.in_kw else step.watts
    return [*ends, f'"{value}"' if form.delimiter == "," else value]


def text_of(steps, form):
    header = ["Début", "Fin", f"Valeur (en {'Kw' if form.in_kw else 'W'})"]
    rows = [header if form.by_span else ["Horodate", "Valeur"]]
    rows += [cells(step, form) for step in steps]
    return "".join(f"{form.delimiter.join(map(str, row))}{form.newline}" for row in rows)


def watts_by_minute(steps):
    """Return what is drawn in each minute, by the minute's number."""
    drawn = {}
    for step in steps:
        first, last = (int(at.timestamp()) // MINUTE_S for at in (step.start, step.end))
        drawn |= dict.fromkeys(range(first, last), step.watts)
    return {minute: watts for minute, watts in drawn.items() if watts}


def curve_by_minute(curve):
    each = np.repeat(curve.power_w, curve.step_s // MINUTE_S).tolist()
    first = curve.start_s // MINUTE_S
    return {first + at: watts for at, watts in enumerate(each) if watts}


def load(tmp_path_factory, steps, form):
    """Return the curve, None where a line is refused."""
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    path.write_bytes(text_of(steps, form).encode(form.encoding))
    try:
        return load_curve(path)
    except FrameError as exc:
        assert re.match(rf"{re.escape(str(path))}, line \d+: ", str(exc))  # noqa: PT017
        return None


def are_as_good_in_this_order(steps):
    """Return whether rows without an offset say nothing else than that an hour came twice."""
    starts, ends = (
        [at.astimezone(PARIS).replace(tzinfo=None, fold=0) for at in instants]
        for instants in ([step.start for step in steps], [step.end for step in steps])
    )
    gaps = {start - end for start, end in zip(starts[1:], ends[:-1], strict=True)}
    return gaps <= {timedelta(), -timedelta(hours=1)} and len(gaps) > 1


powers = st.none() | st.integers(0, 9_000)
# In the older form nothing tells one longer step from a row that is missing, so none stands alone.
runs = st.lists(
    st.tuples(st.sampled_from([10, 15, 30, 60]), st.lists(powers, min_size=2, max_size=12)),
    min_size=1,
    max_size=3,
)
begins = st.builds(
    lambda night, hours: night + timedelta(hours=hours),
    st.sampled_from([AUTUMN, SPRING, ORDINARY]),
    st.integers(0, 4),
)
forms = st.builds(
    Form,
    by_span=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    delimiter=st.sampled_from([";", ",", "\t"]),
    in_kw=st.booleans(),
)
PLAIN = Form(by_span=True, newline="\n", encoding="utf-8", delimiter=";", in_kw=True)


@settings(max_examples=examples(80, 300))
@example(AUTUMN, [(30, [1, 1, 1, 1, None, None, 2, 3, 4])], PLAIN)
@example(AUTUMN + timedelta(hours=2), [(30, [1, 2, 3, 4])], PLAIN)
@given(begin=begins, runs=runs, form=forms)
def test_every_minute_draws_what_its_row_says(tmp_path_factory, begin, runs, form):
    steps = laid(begin, runs)
    curve = load(tmp_path_factory, steps, form)
    assert curve is None or curve_by_minute(curve) == watts_by_minute(steps)


@settings(max_examples=examples(50, 200))
@given(
    night=st.sampled_from([AUTUMN, SPRING, ORDINARY]),
    minutes=st.sampled_from([10, 15, 30, 60]),
    powers=st.lists(st.integers(0, 9_000), min_size=150, max_size=150),
    blank=st.sets(st.integers(0, 149)),
    form=forms,
)
def test_a_file_of_one_step_is_read_whatever_is_blank(
    tmp_path_factory, night, minutes, powers, blank, form
):
    count = 24 * 60 // minutes
    watts = [None if at in blank and at else each for at, each in enumerate(powers[:count])]
    steps = laid(night, [(minutes, watts)])
    curve = load(tmp_path_factory, steps, form)
    assert curve is not None
    assert curve_by_minute(curve) == watts_by_minute(steps)


def test_an_autumn_hour_may_be_meant_in_either_order():
    steps = laid(AUTUMN + timedelta(hours=3), [(15, [None, None, None, 1])])
    assert are_as_good_in_this_order([*steps[1:], steps[0]])
    assert not are_as_good_in_this_order(steps)
    assert not are_as_good_in_this_order(steps[::-1])


@settings(max_examples=examples(50, 200))
@given(begin=begins, runs=runs, form=forms, data=st.data())
def test_rows_out_of_place_are_refused_or_draw_what_they_say(
    tmp_path_factory, begin, runs, form, data
):
    steps = laid(begin, runs)
    at = data.draw(st.integers(0, len(steps) - 1))
    damaged = data.draw(
        st.sampled_from(
            [steps[::-1], [*steps[: at + 1], *steps[at:]], [*steps[at:], *steps[:at]]],
        )
    )
    assume(not (form.by_span and are_as_good_in_this_order(damaged)))
    curve = load(tmp_path_factory, damaged, form)
    assert curve is None or curve_by_minute(curve) == watts_by_minute(steps)


@given(begin=begins, runs=runs, form=forms)
def test_a_row_that_stands_twice_is_never_counted_twice(tmp_path_factory, begin, runs, form):
    # A file that begins with the hour's second pass says, with that row twice, just what one does
    # that holds both passes.
    assume(begin != AUTUMN + timedelta(hours=3))
    measured = [(minutes, [each or 7 for each in watts]) for minutes, watts in runs]
    steps = laid(begin, measured)
    for at in range(len(steps)):
        curve = load(tmp_path_factory, [*steps[: at + 1], *steps[at:]], form)
        assert curve is None or curve_by_minute(curve) == watts_by_minute(steps)
