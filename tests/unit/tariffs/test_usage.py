"""Usages: what is refused in plain words, and how kWh are cut where a grid changes."""

import json
from datetime import date, timedelta
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import DocumentRefused
from tariffs.price import parts_of, plain_energies, price_usage
from tariffs.usage import parse_usage
from volet.main import volet

GOOD = {
    "option": "hphc",
    "kva": 9,
    "from": "2026-01-10",
    "to_exclusive": "2026-03-10",
    "index_wh": {"hp": [1_000_999, 1_500_000], "hc": [0, 240_999]},
}


def usage_of(**changes):
    return parse_usage(json.dumps(GOOD | changes).encode(), "usage.json")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"option": "zen"}, "unknown; the regulated tariff has base, hphc, tempo, ejp"),
        ({"kva": 7}, "has no hphc at 7 kVA; it has 6, 9, 12"),
        ({"kva": 3}, "no hphc at 3 kVA"),
        ({"kva": -6}, "no hphc at -6 kVA"),
        ({"kva": "9"}, "Expected `int`"),
        ({"option": "tempo", "kva": 24}, "no tempo at 24 kVA"),
        ({"from": "2026-03-10"}, "to_exclusive must lie after from"),
        ({"from": "2024-01-31"}, "before the first grid known here, of 2024-02-01"),
        ({"from": "31/01/2026"}, r"\$\.from`; a usage has .* `to_exclusive` \(YYYY-MM-DD\)"),
        ({"to_exclusive": "9999-12-31"}, "is more than 3660 days; price a shorter period"),
        ({"to_exclusive": "2036-01-19"}, "is more than 3660 days"),
        ({"index_wh": {"hp": [0, 1]}}, "The index of hc at 2026-01-10 is missing"),
        ({"index_wh": {}}, "missing"),
        ({"index_wh": {"hp": [0, 1], "hc": [0, 1], "base": [0, 1]}}, "no register 'base'"),
        ({"index_wh": {"hp": [0, 1], "hc": [0]}}, "first and last index, or 3 with those"),
        ({"index_wh": {"hp": [0, 1], "hc": [5_000, 4_999]}}, "falls from 5000 to 4999"),
        ({"index_wh": {"hp": [0, 1], "hc": [-1, 4_999]}}, "is -1 Wh; a meter's is not"),
        ({"index_wh": {"hp": [0, 1], "hc": [0, 1.5]}}, "Expected `int`"),
        ({"index_at": {"2026-03-10": {"hp": 1, "hc": 1}}}, "does not lie within"),
        ({"index_at": {"2026-02-01": {"hp": 1_200_000}}}, "The index of hc at 2026-02-01"),
        ({"index_at": {"2026-02-01": {"hp": 1_200_000, "hc": 300_000}}}, "falls from 300000"),
    ],
)
def test_a_bad_usage_is_refused_with_what_is_wrong(changes, said):
    with pytest.raises(DocumentRefused, match=said) as refused:
        usage_of(**changes)
    assert str(refused.value).startswith("usage.json: ")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"{", b'{"option": "base"}', b"\xff"])
def test_what_is_no_usage_is_refused(data):
    with pytest.raises(DocumentRefused):
        parse_usage(data, "usage.json")


def test_a_refused_usage_ends_the_command_with_a_sentence(tmp_path):
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(GOOD | {"kva": 7}))
    result = CliRunner().invoke(volet, ["provider", "price", "--usage", str(path), "--json"])
    assert isinstance(result.exception, DocumentRefused)
    assert result.output == ""


def kwh_of(usage):
    return [part.steps_kwh[:2] for part in parts_of(usage)]


def test_the_index_at_a_change_is_taken_in_proportion_to_days_unless_given():
    # 22 of 59 days: hp 499 001 Wh x 22/59 = 186 068, so 1 187 067; hc 89 863.
    assert kwh_of(usage_of()) == [(89, 187), (151, 313)]
    read = usage_of(index_at={"2026-02-01": {"hp": 1_400_000, "hc": 100_500}})
    assert kwh_of(read) == [(100, 400), (140, 100)]
    three = usage_of(
        index_wh={"hp": [1_000_999, 1_400_000, 1_500_000], "hc": [0, 100_500, 240_999]}
    )
    assert kwh_of(three) == kwh_of(read)


def test_an_interpolated_or_assumed_figure_is_named_in_the_notes():
    usage = usage_of(to_exclusive="2026-09-01")
    parts = parts_of(usage)
    notes = price_usage(usage, parts, plain_energies(parts)).notes
    assert sum("in proportion to days" in note for note in notes) == 2
    assert any("Excise" in note for note in notes)
    usage = usage_of(**{"from": "2026-02-01"})
    parts = parts_of(usage)
    assert price_usage(usage, parts, plain_energies(parts)).notes == ()


def test_an_index_of_nine_digits_may_roll_over_once():
    usage = usage_of(index_wh={"hp": [999_999_999, 1_000], "hc": [999_000_000, 0]})
    assert usage.kwh() == {"hp": 2, "hc": 1000}
    with pytest.raises(DocumentRefused, match="falls"):
        usage_of(index_wh={"hp": [998_999_999, 1_000], "hc": [0, 0]})


@given(
    start=st.dates(date(2024, 2, 1), date(2026, 9, 1)),
    days=st.integers(1, 900),
    first=st.integers(0, 10**9),
    drawn=st.integers(0, 10**8),
)
def test_parts_always_add_up_to_the_difference_of_whole_indices(start, days, first, drawn):
    usage = usage_of(
        option="base",
        kva=6,
        **{"from": str(start), "to_exclusive": str(start + timedelta(days=days))},
        index_wh={"base": [first, first + drawn]},
    )
    parts = parts_of(usage)
    assert all(part.steps_kwh[0] >= 0 for part in parts)
    assert sum(part.steps_kwh[0] for part in parts) == (first + drawn) // 1000 - first // 1000
    assert parts[0].start == start
    assert parts[-1].end == start + timedelta(days=days)
    for one, other in pairwise(parts):
        assert one.end == other.start


def test_a_worked_bill_can_be_priced_as_it_is_with_its_own_lines_beside():
    assert usage_of(lines=[{"line": "x"}], total_ttc="1.00").kwh() == {"hp": 500, "hc": 240}
