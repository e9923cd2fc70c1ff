"""The measures document: what a chip and a trustee refuse before they obey."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.calendar import day_number, days_between
from protocol.errors import DocumentRefused
from protocol.governance import draw_up, read_cosigned
from protocol.measures import (
    CLASSES_SLOTS,
    PROFILE_SLOTS,
    Group,
    Measure,
    MeasureKind,
    Measures,
    Parent,
    check_measures,
)
from protocol.privacy import gaussian_sigma, rho_of_sigma

CURVE_GROUP = Group("751010101", ("751010101",), 200, 140, 140, 24, bytes(32))
COMMUNE = Group("75101", ("75101",), 400, 280, 280, PROFILE_SLOTS)
SUPPLIED = Group("75/edf", ("75",), 900, 630, 630, CLASSES_SLOTS, provider="edf")


def make(**changes):
    curve = Measure("curve", MeasureKind.CURVE, 0.7, (CURVE_GROUP,))
    classes = Measure("classes", MeasureKind.CLASSES, 0.15, (SUPPLIED,), (1.0,) * CLASSES_SLOTS)
    profile = Measure("profile", MeasureKind.PROFILE, 0.15, (COMMUNE,), (1.0,) * PROFILE_SLOTS)
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
        100,
        4,
        48,
        (curve, classes, profile),
    )
    return msgspec.structs.replace(document, **changes)


def with_group(group, **changes):
    measure = Measure("curve", MeasureKind.CURVE, 1.0, (msgspec.structs.replace(group, **changes),))
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
        (
            msgspec.structs.replace(
                with_group(CURVE_GROUP, roster=10**7, crowd=10**6, threshold=10**6), grid_bits=8
            ),
            "grid_bits must be larger",
        ),
        (make(measures=()), "shares add up"),
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
    first = Measure("curve", MeasureKind.CURVE, 0.7, (CURVE_GROUP,))
    second = Measure("curve-2", MeasureKind.CURVE, 0.4, (CURVE_GROUP,))
    with pytest.raises(DocumentRefused, match=r"1\.100"):
        check_measures(make(measures=(first, second)))


@pytest.mark.parametrize(
    ("areas", "provider"), [(("75101",), ""), (("751010101",), ""), (("75",), "edf")]
)
def test_no_household_may_be_counted_in_two_groups_of_a_measure(areas, provider):
    other = msgspec.structs.replace(CURVE_GROUP, code="other", areas=areas, provider=provider)
    measure = Measure("curve", MeasureKind.CURVE, 1.0, (CURVE_GROUP, other))
    with pytest.raises(DocumentRefused, match="both count"):
        check_measures(make(measures=(measure,)))


def test_groups_of_two_providers_may_share_an_area():
    second = msgspec.structs.replace(SUPPLIED, code="75/other", provider="other")
    classes = Measure("c", MeasureKind.CLASSES, 0.5, (SUPPLIED, second), (1.0,) * CLASSES_SLOTS)
    check_measures(make(measures=(classes,)))
    assert classes.group_of("751010101", "other") == second
    assert classes.group_of("751010101", "third") is None


def test_taking_part_in_all_measures_costs_what_the_document_says():
    document = make()
    total = sum(document.measure_rho(measure) for measure in document.measures)
    assert total == pytest.approx(rho_of_sigma(gaussian_sigma(2.0, 1e-6)))


@given(st.integers(2020, 2060), st.integers(1, 366))
def test_as_many_days_of_a_year_count_as_the_document_says(year, days_a_year):
    document = make(days_a_year=days_a_year)
    days = [day_number(each) for each in days_between(date(year, 1, 1), date(year + 1, 1, 1))]
    counted = [day for day in days if document.is_counted(day)]
    assert len(counted) == min(days_a_year, len(days))
    with_profile = [day for day in days if document.is_profile_counted(day)]
    assert set(with_profile) <= set(counted)
    assert len(with_profile) == min(4, days_a_year)


def test_the_days_that_count_are_the_same_for_all_and_differ_between_years():
    days = range(day_number(date(2026, 1, 1)), day_number(date(2027, 1, 1)))
    counted = [day for day in days if make().is_counted(day)]
    assert counted == [day for day in days if make(version=7).is_counted(day)]
    assert counted != [day for day in days if make(collectivity="autre").is_counted(day)]
