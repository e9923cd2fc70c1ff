"""The measures document: what a chip and a trustee refuse before they obey."""

from bisect import bisect_left
from datetime import date
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.calendar import day_number, days_between
from protocol.errors import DocumentRefused
from protocol.governance import draw_up, read_cosigned
from protocol.measures import (
    CLASSES_SLOTS,
    GRID_BITS_MIN,
    PROFILE_SLOTS,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Parent,
    Shares,
    check_measures,
)
from protocol.packed import read_packed
from protocol.privacy import EPSILON_MAX, SHARE_STD_MIN, gaussian_sigma, rho_of_sigma

NAMES = ("ville", "rennes", "lyon", "testville", "demo", "nantes", "autre")
CURVE_GROUP = Group("751010101", ("751010101",), 200, 140, 140, 24, bytes(32))
COMMUNE = Group("75101", ("75101",), 400, 280, 280, PROFILE_SLOTS)
SUPPLIED = Group("75/edf", ("75",), 900, 630, 630, CLASSES_SLOTS, provider="edf")


def make(**changes):
    curve = Measure("curve", MeasureKind.CURVE, Shares(0.7, 0.7), (CURVE_GROUP,))
    classes = Measure(
        "classes", MeasureKind.CLASSES, Shares(0.15, 0.15), (SUPPLIED,), (1.0,) * CLASSES_SLOTS
    )
    profile = Measure(
        "profile", MeasureKind.PROFILE, Shares(0.0, 0.15), (COMMUNE,), (1.0,) * PROFILE_SLOTS
    )
    document = Measures(
        "ville",
        1,
        bytes(32),
        None,
        20_000,
        20_365,
        2.0,
        1e-6,
        0.1,
        20,
        2,
        4,
        48,
        (curve, classes, profile),
    )
    return msgspec.structs.replace(document, **changes)


def with_group(group, **changes):
    measure = Measure(
        "curve", MeasureKind.CURVE, Shares(1.0, 1.0), (msgspec.structs.replace(group, **changes),)
    )
    return make(measures=(measure,))


def test_a_sound_document_passes_and_survives_the_wire():
    document = make()
    check_measures(document)
    assert read_cosigned(draw_up(document), Measures) == document


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (with_group(CURVE_GROUP, crowd=141), "the crowd exceeds the opening threshold"),
        (with_group(CURVE_GROUP, threshold=201), "threshold exceeds the roster"),
        (with_group(CURVE_GROUP, roster=199, threshold=150), "there must be 200"),
        (with_group(CURVE_GROUP, transform=None), "a curve has a transform"),
        (with_group(CURVE_GROUP, areas=()), "no areas"),
        (make(measures=()), "measure nothing"),
        (make(parents=(Parent("curve", "75101", ("751010101", "751010102")),)), "no group"),
        (make(parents=(Parent("curve", "75101", ("751010101", "751010101")),)), "each child once"),
        (
            make(parents=(Parent("curve", "751010101", ("751010101",)),)),
            "another figure of the same",
        ),
        (make(parents=(Parent("curve", "75", ("751010101",)),) * 2), "another figure of the same"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_in_words(document, words):
    with pytest.raises(DocumentRefused, match=words):
        check_measures(document)


def test_shares_above_one_are_refused():
    first = Measure("curve", MeasureKind.CURVE, Shares(0.7, 0.7), (CURVE_GROUP,))
    second = Measure("curve-2", MeasureKind.CURVE, Shares(0.4, 0.4), (CURVE_GROUP,))
    with pytest.raises(DocumentRefused, match=r"1\.100"):
        check_measures(make(measures=(first, second)))


@pytest.mark.parametrize(
    ("areas", "provider"), [(("75101",), ""), (("751010101",), ""), (("75",), "edf")]
)
def test_no_household_may_be_counted_in_two_groups_of_a_measure(areas, provider):
    other = msgspec.structs.replace(CURVE_GROUP, code="other", areas=areas, provider=provider)
    measure = Measure("curve", MeasureKind.CURVE, Shares(1.0, 1.0), (CURVE_GROUP, other))
    with pytest.raises(DocumentRefused, match="both count"):
        check_measures(make(measures=(measure,)))


def test_groups_of_two_providers_may_share_an_area():
    second = msgspec.structs.replace(SUPPLIED, code="75/other", provider="other")
    classes = Measure(
        "c", MeasureKind.CLASSES, Shares(0.5, 0.5), (SUPPLIED, second), (1.0,) * CLASSES_SLOTS
    )
    check_measures(make(measures=(classes,)))
    assert classes.group_of("751010101", "other") == second
    assert classes.group_of("751010101", "third") is None


def test_taking_part_in_all_measures_costs_what_the_document_says():
    document = make()
    day = next(day for day in range(20_000, 20_400) if document.is_profile_counted(day))
    shares = [document.share_of(measure, day) for measure in document.measures]
    assert sum(map(document.rho_of, shares)) == pytest.approx(
        rho_of_sigma(gaussian_sigma(2.0, 1e-6))
    )


def test_a_measure_is_sent_on_the_kinds_of_day_on_which_it_has_a_share():
    document = make()
    curve, classes, profile = document.measures
    counted = [day for day in range(20_000, 20_365) if document.is_counted(day)]
    plain = [day for day in counted if not document.is_profile_counted(day)]
    assert {document.share_of(curve, day) for day in counted} == {0.7}
    assert {document.share_of(classes, day) for day in plain} == {0.15}
    assert {document.share_of(profile, day) for day in plain} == {0.0}
    quiet = next(day for day in range(20_000, 20_365) if day not in counted)
    assert document.share_of(curve, quiet) == 0


@pytest.mark.parametrize(
    ("kind", "shares", "words"),
    [
        (MeasureKind.CURVE, Shares(0.0, 0.0), "no share on any day"),
        (MeasureKind.PROFILE, Shares(0.1, 0.1), "days that count no profile"),
    ],
)
def test_shares_that_say_nothing_are_refused(kind, shares, words):
    measures = [
        msgspec.structs.replace(measure, shares=shares) if measure.kind is kind else measure
        for measure in make().measures
    ]
    with pytest.raises(DocumentRefused, match=words):
        check_measures(make(measures=tuple(measures)))


@pytest.mark.parametrize("kind", ["plain", "profile"])
def test_the_share_of_a_towns_curve_counts_beside_that_of_its_cells(kind):
    """0.95 for the cells and 0.1 for the town would cost more than the document says."""
    town = msgspec.structs.replace(CURVE_GROUP, code="75", areas=("75",))
    cells = Measure("curve", MeasureKind.CURVE, Shares(0.9, 0.9), (CURVE_GROUP,))
    towns = Measure("curve-town", MeasureKind.CURVE, Shares(0.1, 0.1), (town,))
    check_measures(make(measures=(cells, towns)))
    greedy = msgspec.structs.replace(cells.shares, **{kind: 0.95})
    too_much = msgspec.structs.replace(cells, shares=greedy)
    with pytest.raises(DocumentRefused, match=r"1\.050"):
        check_measures(make(measures=(too_much, towns)))


def test_a_grid_on_which_rounding_would_count_is_no_document():
    assert read_packed(msgspec.msgpack.encode(make(grid_bits=GRID_BITS_MIN)), Measures)
    with pytest.raises(msgspec.ValidationError, match="grid_bits"):
        read_packed(msgspec.msgpack.encode(make(grid_bits=GRID_BITS_MIN - 1)), Measures)


def test_a_share_of_the_largest_crowds_noise_is_drawn_on_the_coarsest_grid():
    crowd = 100_000_000
    group = msgspec.structs.replace(CURVE_GROUP, roster=crowd, crowd=crowd, threshold=crowd)
    document = make(epsilon=EPSILON_MAX, delta=1e-5, gamma=0.0, grid_bits=GRID_BITS_MIN)
    assert document.noise_units(1.0, group) > SHARE_STD_MIN


@given(st.dates(date(2020, 1, 1), date(2060, 1, 1)), st.integers(1, 7), st.sampled_from(NAMES))
def test_as_many_days_of_each_week_count_as_the_document_says(any_day, days_a_week, name):
    document = make(days_a_week=days_a_week, collectivity=name)
    monday = day_number(any_day) - any_day.weekday()
    assert sum(document.is_counted(monday + n) for n in range(7)) == days_a_week


@pytest.mark.parametrize("name", NAMES)
def test_two_days_a_week_come_regularly(name):
    document = make(collectivity=name)
    counted = [day for day in range(20_000, 20_000 + 3_653) if document.is_counted(day)]
    assert max(later - day for day, later in pairwise(counted)) <= 11
    in_a_year = [bisect_left(counted, day + 365) - n for n, day in enumerate(counted)]
    assert max(in_a_year) <= 106


@given(st.integers(2020, 2060), st.integers(1, 7))
def test_the_profile_counts_on_few_of_the_counted_days(year, days_a_week):
    document = make(days_a_week=days_a_week)
    days = [day_number(each) for each in days_between(date(year, 1, 1), date(year + 1, 1, 1))]
    with_profile = [day for day in days if document.is_profile_counted(day)]
    assert all(map(document.is_counted, with_profile))
    assert len(with_profile) == 4


def test_the_days_that_count_are_the_same_for_all_and_differ_between_years():
    days = range(day_number(date(2026, 1, 1)), day_number(date(2027, 1, 1)))
    counted = [day for day in days if make().is_counted(day)]
    assert counted == [day for day in days if make(version=7).is_counted(day)]
    assert counted != [day for day in days if make(collectivity="autre").is_counted(day)]
