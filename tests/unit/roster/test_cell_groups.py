"""Cells that are large enough stand alone, smaller ones go with siblings, nobody counts twice."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.geo.codes import Codes, Commune, commune_of, departement_of
from cloud.roster import cells
from protocol.calendar import day_number
from protocol.measures import CLASSES_SLOTS, Group, Measure, MeasureKind, _check_disjoint
from protocol.roster import Membership, RosterEntry

DAY = day_number(date(2026, 6, 1))


def households(cell, count, provider="", *, is_counted=True):
    entry = RosterEntry(
        0, bytes(32), bytes(16), "d", bytes(32), bytes(32), cell, provider, DAY - 40
    )
    return [Membership(entry, is_counted)] * count


def groups(memberships, measure, codes=None):
    found = cells.proposals(memberships, codes or Codes())
    return {each.code: (each.areas, each.roster) for each in found if each.measure == measure}


def codes_of(**regions):
    return Codes(
        {f"{d}001": Commune(f"{d}001", "", d, region) for d, region in regions.items()}
        if regions
        else {}
    )


def test_cells_of_200_stand_alone_and_smaller_ones_go_with_their_neighbours():
    town = [
        *households("751010101", 200),
        *households("751010102", 120),
        *households("751010103", 90),
        *households("751010104", 250),
    ]
    assert groups(town, "curve") == {
        "751010101": (("751010101",), 200),
        "751010102+1": (("751010102", "751010103"), 210),
        "751010104": (("751010104",), 250),
    }


def test_what_is_left_over_joins_the_smallest_of_its_commune():
    town = [
        *households("751010101", 230),
        *households("751010102", 210),
        *households("751010103", 5),
    ]
    assert groups(town, "curve") == {
        "751010101": (("751010101",), 230),
        "751010102+1": (("751010102", "751010103"), 215),
    }


def test_a_commune_that_is_one_group_is_named_by_its_own_code():
    town = [*households("751010101", 150), *households("751010102", 60)]
    assert groups(town, "curve") == {"75101": (("75101",), 210)}


def test_communes_too_small_go_together_within_their_departement():
    town = [
        *households("010010000", 120),
        *households("010020000", 90),
        *households("010040000", 30),
        *households("020010000", 150),
    ]
    assert groups(town, "curve") == {"01001+2": (("01001", "01002", "01004"), 240)}
    assert groups(town, "profile") == {
        "01001": (("01001",), 120),
        "01002+1": (("01002", "01004"), 120),
        "02001": (("02001",), 150),
    }


def test_who_stands_in_a_commune_as_such_is_counted_with_all_of_it():
    town = [*households("751010101", 300), *households("75101", 10)]
    assert groups(town, "curve") == {"75101": (("75101",), 310)}


def test_classes_go_by_departement_and_provider_and_beyond_within_the_region():
    town = [
        *households("750010101", 150, "Énergie Bleue"),
        *households("770010000", 60, "green"),
        *households("780010000", 50, "green"),
        *households("130010000", 99, "green"),
        *households("750010101", 400),
    ]
    regions = codes_of(**{"75": "11", "77": "11", "78": "11", "13": "93"})
    assert groups(town, "classes", regions) == {
        "75/-nergie-Bleue": (("75",), 150),
        "77+1/green": (("77", "78"), 110),
    }
    assert groups(town, "classes") == {"75/-nergie-Bleue": (("75",), 150)}


def test_newcomers_are_seen_and_do_not_count():
    town = [
        *households("751010101", 150),
        *households("751010101", 70, is_counted=False),
        *households("751020101", 260),
    ]
    first, second = cells.status(town, Codes())
    assert (first.households, first.counted) == (220, 150)
    assert (first.needs_for_classes, first.needs_for_curve) == (0, 50)
    assert first.merged_with == ("751020101",)
    assert first.is_enough
    assert (second.needs_for_curve, second.merged_with) == (0, ("751010101",))


@pytest.mark.parametrize(("count", "is_enough"), [(199, False), (200, True), (201, True)])
def test_a_cell_crosses_the_threshold_at_200(count, is_enough):
    (only,) = cells.status(households("751010101", count), Codes())
    assert only.is_enough is is_enough
    assert only.needs_for_curve == max(0, 200 - count)
    assert bool(groups(households("751010101", count), "curve")) is is_enough


@given(
    st.dictionaries(
        st.builds(
            lambda dep, commune, iris: f"{dep}{commune:03d}{iris}",
            st.sampled_from(["01", "2A", "971"]).map(lambda d: d[:2] if d != "971" else d),
            st.integers(1, 6),
            st.sampled_from(["", "0101", "0102", "0103", "0000"]),
        ).filter(lambda code: len(code) in {5, 9}),
        st.integers(0, 260),
        max_size=25,
    )
)
def test_every_cell_is_in_one_group_at_most_and_groups_are_large_enough(counts):
    town = [each for cell, count in counts.items() for each in households(cell, count, "blue")]
    for kind, least in (("curve", 200), ("profile", 100), ("classes", 100)):
        found = [each for each in cells.proposals(town, Codes()) if each.measure == kind]
        for each in found:
            own = sum(n for cell, n in counts.items() if cell.startswith(each.areas))
            assert own == each.roster >= least
        for cell in counts:
            assert sum(cell.startswith(each.areas) for each in found) <= 1
        assert len({each.code for each in found}) == len(found)
        # The document's own rule agrees.
        made = tuple(
            Group(e.code, e.areas, e.roster, 1, 1, CLASSES_SLOTS, None, e.provider) for e in found
        )
        _check_disjoint(Measure(kind, MeasureKind(kind), 0.5, made))


@given(st.dictionaries(st.integers(1, 40), st.integers(1, 150), min_size=1, max_size=15))
def test_whoever_could_be_in_a_group_is(counts):
    """In a département that has 200 households, nobody is left without a curve."""
    town = {f"01{n:03d}0000": count for n, count in counts.items()}
    bins = cells.merged(town, 200)
    total = sum(town.values())
    assert sum(each.count for each in bins) == total
    assert all(each.count >= 200 for each in bins) == (total >= 200)


def test_siblings_are_of_one_commune_or_one_departement():
    town = [
        *households("010010101", 90),
        *households("010010102", 90),
        *households("010020000", 90),
        *households("380010000", 90),
    ]
    for each in cells.proposals(town, Codes()):
        assert len({departement_of(commune_of(area)) for area in each.areas}) == 1
