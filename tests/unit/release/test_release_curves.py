"""Curves: filtered over days, on legal days of 92 and 100 quarter-hours, repeatable bit for bit."""

import xml.etree.ElementTree as ET
from datetime import date, timedelta

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from cloud.estimation.derive import assemble
from cloud.estimation.learn import learn
from cloud.estimation.public import Curves
from cloud.release import composing
from cloud.release.composing import compose_again
from cloud.release.export import export
from cloud.release.parents import release_parents
from cloud.release.reading import Period, differs, releases_of, roster_of, rows_of
from cloud.store.area import Figure, FigureStage
from protocol.area_cipher import SLOT_BYTES
from protocol.calendar import day_number, quarter_hours
from protocol.errors import DocumentRefused
from protocol.governance import draw_up
from protocol.measures import Group, Measure, MeasureKind, Parent, Shares
from protocol.release import CurveRelease, CurveSum, decode, encode
from protocol.transform import Transform, clip_to_grid
from protocol.trustee_messages import Ask, SetRequest, bitmap_of, draws_of
from tests.support.area_release import SmallArea

HOMES = 200
BEFORE_SPRING = date(2026, 3, 26)


def some_curves(homes: int = 12, days: int = 28) -> Curves:
    rng = np.random.default_rng(5)
    shape = 60 + 40 * np.sin(np.arange(96) / 96 * 2 * np.pi)
    level = rng.lognormal(0, 0.4, (homes, 1, 1))
    return np.asarray(level * shape * rng.lognormal(0, 0.3, (homes, days, 96)))


class CurveArea(SmallArea):
    """Two groups with curves and their sum, figures put in as if opened."""

    def __init__(self):
        moments = learn(some_curves())
        self.transform, model = assemble(moments, HOMES, 3.0, 0.5, 1.64)
        self.public = moments.profiles
        data = msgspec.msgpack.encode(self.transform)
        super().__init__(2)
        self.store.put_blob(model.to_bytes())
        name = self.store.put_blob(data)
        groups = tuple(
            Group(code, (code,), HOMES, 140, 140, self.transform.rows, name)
            for code in ("75101", "75102")
        )
        self.document = msgspec.structs.replace(
            self.document,
            grid_bits=20,
            measures=(Measure("curve", MeasureKind.CURVE, Shares(1.0, 1.0), groups),),
            parents=(Parent("curve", "75", ("75101", "75102")),),
        )
        cosigned = draw_up(self.document)
        self.store.put_cosigned(cosigned)
        self.measures = cosigned.hash

    def release(self, day: date, code: str = "75101", shift_wh: float = 20.0) -> Figure:
        """Put in a figure of HOMES equal homes, `shift_wh` above the profile."""
        key = self.key(day_number(day), "curve", code)
        one = clip_to_grid(
            Transform.matrix_values(self.transform) @ np.full(96, shift_wh), self.document.grid
        )
        request = SetRequest(
            ask=Ask.SUM,
            measures=key.measures,
            measure=key.measure,
            group=key.group,
            day=key.day,
            length=HOMES,
            head=bytes(32),
            bitmap=bitmap_of(range(HOMES), HOMES),
            nonces=draws_of([(bytes(16), 1)] * HOMES),
        )
        figure = Figure(
            key,
            FigureStage.RELEASED,
            self.after(key.day),
            requests=(msgspec.msgpack.encode(request),),
            opened=(HOMES * one).astype("<i8").tobytes(),
        )
        assert len(figure.opened) == SLOT_BYTES * self.transform.rows
        basis = composing.basis_of(self.store, key)
        release = composing.compose(self.store, basis, self.roster, figure)
        figure = msgspec.structs.replace(figure, release=encode(release))
        self.store.put_figure(figure)
        return figure


@pytest.fixture
def area(monkeypatch):
    monkeypatch.setattr(composing, "_coverage", lambda *_: (HOMES, 1.0))
    return CurveArea()


def test_a_curve_lies_where_the_homes_are(area):
    for number in range(7):
        figure = area.release(date(2026, 1, 5) + timedelta(days=number), shift_wh=6.0)
    release = decode(figure.release)
    assert isinstance(release, CurveRelease)
    total = sum(release.quarter_hours)
    plain = HOMES * (area.public[1] + 6.0).sum()
    assert total == pytest.approx(plain, rel=0.05)
    assert min(release.band_90) > 0


@pytest.mark.parametrize(("day", "count"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_days_of_a_clock_change_have_the_legal_number_of_quarter_hours(area, day, count):
    release = decode(area.release(day).release)
    assert quarter_hours(day) == count
    assert {len(release.quarter_hours), len(release.band_90), len(release.raw)} == {count}
    assert len(list(rows_of(release))) == count


def test_a_release_with_missing_weeks_is_repeated_bit_for_bit(area):
    days = [BEFORE_SPRING + timedelta(days=n) for n in (0, 1, 2, 3, 24, 25)]
    figures = [area.release(day) for day in days]
    composing._FILTERS._filters.clear()
    for figure in reversed(figures):
        assert encode(compose_again(area.store, area.roster, figure)) == figure.release
    last = decode(figures[-1].release)
    assert len(last.filtered_days) == 5


def test_a_day_released_late_changes_no_release_that_was_there(area):
    first, late, last = (BEFORE_SPRING + timedelta(days=n) for n in range(3))
    area.release(first)
    figure = area.release(last)
    area.release(late, shift_wh=60.0)
    assert decode(figure.release).filtered_days == (str(first),)
    assert encode(compose_again(area.store, area.roster, figure)) == figure.release
    assert decode(area.release(last + timedelta(days=1)).release).filtered_days[1] == str(late)


def test_a_changed_figure_is_found_when_it_is_worked_out_again(area):
    area.release(BEFORE_SPRING)
    figure = area.release(BEFORE_SPRING + timedelta(days=1))
    roster = roster_of(area.store)
    assert differs(area.store, roster, figure) == ""
    opened = bytes([figure.opened[0], figure.opened[1], figure.opened[2] ^ 4]) + figure.opened[3:]
    changed = msgspec.structs.replace(figure, opened=opened)
    assert differs(area.store, roster, changed)


def test_a_parent_is_the_sum_of_its_children(area, monkeypatch):
    one, other = area.release(BEFORE_SPRING), area.release(BEFORE_SPRING, "75102", 40.0)
    monkeypatch.setattr(area.store, "days", lambda _: (day_number(BEFORE_SPRING),))
    (figure,) = release_parents(area.store, area.after())
    release = decode(figure.release)
    assert isinstance(release, CurveSum)
    children = [decode(each.release) for each in (one, other)]
    expected = np.array(children[0].quarter_hours) + np.array(children[1].quarter_hours)
    assert np.allclose(release.quarter_hours, expected, atol=1e-2)
    bands = np.hypot(children[0].band_90, children[1].band_90)
    assert np.allclose(release.band_90, bands, atol=1e-2)
    assert release.households == 2 * HOMES
    assert differs(area.store, area.roster, figure) == ""
    assert release_parents(area.store, area.after()) == []


def test_a_parent_of_a_discarded_child_is_discarded(area, monkeypatch):
    area.release(BEFORE_SPRING)
    day = day_number(BEFORE_SPRING)
    key = area.key(day, "curve", "75102")
    monkeypatch.setattr(area.store, "days", lambda _: (day,))
    assert release_parents(area.store, area.after()) == []
    area.store.put_figure(Figure(key, FigureStage.DISCARDED, area.after(), detail="too few"))
    (figure,) = release_parents(area.store, area.after())
    assert figure.stage is FigureStage.DISCARDED
    assert "75102" in figure.detail


def test_releases_are_exported_in_every_format(area, tmp_path):
    for number in range(2):
        area.release(BEFORE_SPRING + timedelta(days=number))
    period = Period(BEFORE_SPRING, BEFORE_SPRING + timedelta(days=2))
    releases = releases_of(area.store, "curve", "75101", period)
    paths = {form: tmp_path / f"out.{form}" for form in ("csv", "parquet", "png", "svg")}
    counts = {form: export(releases, form, path) for form, path in paths.items()}
    assert counts == {"csv": 192, "parquet": 192, "png": 2, "svg": 2}
    assert pq.read_table(paths["parquet"]).num_rows == 192
    assert paths["csv"].read_text().startswith("measure,code,day,name,unit,value,error,raw")
    assert paths["png"].read_bytes()[:4] == b"\x89PNG"
    assert ET.fromstring(paths["svg"].read_text()).tag.endswith("svg")


def test_a_code_that_nothing_measures_is_refused(area):
    period = Period(BEFORE_SPRING, BEFORE_SPRING + timedelta(days=2))
    with pytest.raises(DocumentRefused, match="there are 75, 75101"):
        releases_of(area.store, "curve", "13055", period)
