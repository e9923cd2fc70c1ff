"""The linter: every problem at once, at its line, with what to do; and nothing on sound tariffs."""

import json
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import DocumentRefused
from protocol.ids import public_key_text
from protocol.schedule import Calendar, Run, Schedules, quarter_range
from protocol.tariff import CalendarLine, parse_tariff
from tariffs.calendars import TEMPO_CLASSES, tempo_calendar
from tariffs.check import check_files, count
from tariffs.days import tempo_days
from tariffs.grids import GridOption, grids
from tariffs.locate import read_located, show_place
from tariffs.problems import Severity
from tariffs.regulated import regulated_tariffs
from tariffs.rules import refuse_spikes
from tests.support.tariffs import simple_tariff

TODAY = date(2026, 11, 24)
KEY = bytes(32)
LINE = {"name": "day", "by": "registers", "registers": [1], "eur_per_kwh": "0.15", "vat": "0.20"}
TAX = LINE | {"name": "accise", "registers": [1, 2], "eur_per_kwh": "0.03085", "is_tax": True}
FIXED = {"name": "subscription", "eur": "14.68", "per": "month", "vat": "0.20"}
CTA = {"name": "CTA", "eur": "19.47", "per": "year", "vat": "0.20", "is_tax": True}
SOUND = {
    "provider": "Ville Énergie",
    "name": "Heures creuses",
    "calendar": "H PLEINE/CREUSE",
    "valid_from": "2026-08-01",
    "valid_to": None,
    "currency": "EUR",
    "fixed": [FIXED, CTA],
    "energy": [LINE, LINE | {"name": "night", "registers": [2]}, TAX],
}


def check(*documents):
    texts = {f"{n}.json": json.dumps(each, indent=1) for n, each in enumerate(documents)}
    return check_files(texts, TODAY)


def with_line(**changes):
    return SOUND | {"energy": [SOUND["energy"][0] | changes, *SOUND["energy"][1:]]}


def said(reports):
    return [(str(each.severity), each.path, each.message) for each in reports]


def test_a_sound_tariff_has_no_problem():
    assert check(SOUND) == []


def test_the_shipped_tariffs_have_no_problem():
    for option in GridOption:
        for row in grids()[-1].options[option].subscriptions:
            tariffs = regulated_tariffs(option, row.kva)
            assert check(*(json.loads(msgspec.json.encode(each)) for each in tariffs)) == []


@pytest.mark.parametrize(
    ("document", "severity", "path", "message"),
    [
        (with_line(eur_per_kwh="0.123456"), "error", "energy[0].eur_per_kwh", "at most 5 decimals"),
        (with_line(eur_per_kwh="14.56"), "error", "energy[0].eur_per_kwh", "A price stays below"),
        (with_line(eur_per_kwh=[]), "error", "energy[0].eur_per_kwh", "Expected"),
        (with_line(eur_per_kwh="2.1"), "warning", "energy[0].eur_per_kwh", "ten times the usual"),
        (with_line(vat="20"), "error", "energy[0].vat", "Vat is a rate from 0 up to 1"),
        (with_line(vat="0.196"), "warning", "energy[0].vat", "no French VAT rate"),
        (with_line(vat="0.055"), "warning", "energy[0].vat", "5.5 % on electricity ended"),
        (with_line(registers=[11]), "error", "energy[0].registers", "Register 11 is unknown"),
        (
            with_line(registers=[1, 1]),
            "error",
            "energy[0].registers",
            "each register of the line once",
        ),
        (
            with_line(registers=[1, 3]),
            "warning",
            "energy[0].registers",
            "does not count register 3",
        ),
        (with_line(registers=[2]), "warning", "energy", "No line prices register 1"),
        (with_line(registers=[1, 2]), "warning", "energy[1]", "both price register 2"),
        (with_line(name="night"), "error", "energy[1].name", "'night' stands twice"),
        (with_line(name="a\u0007b"), "error", "energy[0].name", "cannot be printed"),
        (with_line(name=""), "error", "energy[0].name", "Expected `str` of length >= 1"),
        (with_line(by="meter"), "error", "energy[0].by", "is 'meter'; it is one of registers"),
        (with_line(price=1), "error", "energy[0].price", "`price` is unknown"),
        (SOUND | {"energy": SOUND["energy"][:2]}, "warning", "energy", "excise"),
        (SOUND | {"fixed": [FIXED]}, "warning", "fixed", "CTA"),
        (SOUND | {"fixed": [FIXED | {"eur": "220"}, CTA]}, "warning", "fixed[0].eur", "220.00 € a"),
        (SOUND | {"fixed": [FIXED | {"per": "day"}, CTA]}, "error", "fixed[0].per", "Invalid enum"),
        (
            SOUND | {"fixed": [FIXED | {"eur": "1e9"}, CTA]},
            "error",
            "fixed[0].eur",
            "below 1,000,000",
        ),
        (SOUND | {"valid_to": "2026-08-01"}, "error", "valid_to", "does not lie after valid_from"),
        (SOUND | {"valid_to": "2026-11-24"}, "warning", "valid_to", "has ended already"),
        (SOUND | {"valid_from": "1/8/2026"}, "error", "valid_from", "Invalid RFC3339"),
        (SOUND | {"currency": "CHF"}, "error", "currency", "Invalid enum value 'CHF'"),
        (SOUND | {"kva": 0}, "error", "kva", "Expected `int` >= 1"),
        (SOUND | {"fixed": [], "energy": []}, "error", "", "0 lines; a tariff has 1 to 64"),
        ([SOUND], "error", "", "This is no object"),
        ("x", "error", "", "This is no object"),
        ({"runs": [], "publisher": public_key_text(KEY)}, "error", "name", "`name` is missing"),
    ],
)
def test_each_problem_is_found_at_its_place(document, severity, path, message):
    found = [each for each in check(document) if message in each.message]
    assert [(str(each.severity), each.path) for each in found] == [(severity, path)], said(
        check(document)
    )
    assert found[0].fix


def test_a_missing_field_is_named():
    for name in ("provider", "name", "calendar", "valid_from", "valid_to", "currency", "energy"):
        document = {key: value for key, value in SOUND.items() if key != name}
        assert ("error", name, f"`{name}` is missing.") in said(check(document))


def test_all_problems_come_at_once_each_with_its_line():
    text = json.dumps(
        SOUND
        | {
            "valid_to": "2020-01-01",
            "fixed": [FIXED | {"per": "week", "vat": "x"}],
            "energy": [LINE | {"registers": [12], "vat": "2", "eur_per_kwh": "0.000001"}, {}],
        },
        indent=1,
    )
    reports = check_files({"bad.json": text}, TODAY)
    lines = text.splitlines()
    for each in reports:
        name = each.path.rsplit(".", 1)[-1]
        assert name in lines[each.line - 1] or each.path == "energy[1].by"
    assert {each.path for each in reports} == {
        "valid_to",
        "fixed[0].per",
        "fixed[0].vat",
        "energy[0].registers",
        "energy[0].vat",
        "energy[0].eur_per_kwh",
        "energy[1].by",
    }
    assert count(reports, Severity.ERROR) == 7


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "a value is missing"),
        ('{"a": 1,}', 1, "a key is missing"),
        ('{"a": 1\n "b": 2}', 2, "',' or '}' is missing"),
        ('{"a"\n\n 1}', 3, "':' is missing"),
        ("{a: 1}", 1, "a key is missing or is not quoted"),
        ('{"a": yes}', 1, "a value is missing or is not quoted"),
        ('{"a": "b\n"}', 1, "control character"),
        ('{"a": 1}\n{}', 2, "after the end"),
        ("[" * 100, 1, "nests too deep"),
        ('{"a": [1, 2', 1, "']' is missing"),
    ],
)
def test_what_is_no_json_is_named_with_its_line(text, line, message):
    (report,) = check_files({"x.json": text}, TODAY)
    assert (report.line, report.severity) == (line, Severity.ERROR)
    assert message in report.message


def test_a_key_that_stands_twice_is_an_error():
    text = json.dumps(SOUND).replace('"currency"', '"name": "x", "currency"')
    assert said(check_files({"x.json": text}, TODAY)) == [
        ("error", "name", "The key `name` stands twice.")
    ]


def test_gaps_and_overlaps_between_files_are_found():
    former = SOUND | {"valid_from": "2026-02-01", "valid_to": "2026-07-01"}
    assert said(check(former, SOUND)) == [
        (
            "warning",
            "valid_from",
            "No tariff of this name holds from 2026-07-01 to 2026-08-01.",
        )
    ]
    assert said(check(former | {"valid_to": "2026-09-01"}, SOUND)) == [
        ("error", "valid_from", "Another tariff of this name holds until 2026-09-01.")
    ]
    assert said(check(former | {"valid_to": "2026-08-01"}, SOUND)) == []
    assert said(check(former | {"name": "other", "valid_to": None}, SOUND)) == []
    twice = check(SOUND, SOUND)
    assert {each.message for each in twice} == {"Two tariffs of this name begin on 2026-08-01."}


def curve_line(name, *classes, price="0.20"):
    return {
        "name": name,
        "by": "calendar",
        "publisher": public_key_text(KEY),
        "calendar": "town",
        "classes": list(classes),
        "eur_per_kwh": price,
        "vat": "0.20",
    }


def town_calendar(spike_quarters):
    """Make a calendar of one October in which some quarter-hours of one day stand out."""
    start, end = quarter_range(date(2026, 10, 1))[0], quarter_range(date(2026, 10, 31))[1]
    spike = quarter_range(date(2026, 10, 14))[0] + 40
    runs = (Run(start, 0), Run(spike, 1), Run(spike + spike_quarters, 0))
    return Calendar(KEY, "town", ("usual", "dear"), runs, end)


CURVE = SOUND | {
    "calendar": "any",
    "energy": [curve_line("usual", "usual"), curve_line("dear", "dear", price="0.90"), TAX],
}


@pytest.mark.parametrize(("quarters", "is_spike"), [(1, True), (31, True), (32, False)])
def test_a_price_on_less_than_eight_hours_of_a_month_is_an_error(quarters, is_spike):
    calendar = json.loads(msgspec.json.encode(town_calendar(quarters)))
    errors = [each for each in check(CURVE, calendar) if each.severity is Severity.ERROR]
    assert bool(errors) == is_spike
    for each in errors:
        assert each.path == "energy"
        assert f"In 2026-10, {quarters} quarter-hours are priced by dear" in each.message
    tariff = parse_tariff(json.dumps(CURVE).encode(), "curve")
    schedules = Schedules([town_calendar(quarters)])
    if is_spike:
        with pytest.raises(DocumentRefused, match=f"{quarters} quarter-hours are priced by dear"):
            refuse_spikes(tariff, schedules)
    else:
        refuse_spikes(tariff, schedules)
    refuse_spikes(tariff, Schedules())  # nothing is known yet


def test_a_spike_hidden_in_what_no_line_prices_is_found_too():
    document = CURVE | {"energy": [curve_line("usual", "usual"), TAX]}
    calendar = json.loads(msgspec.json.encode(town_calendar(4)))
    assert any("priced by no line" in each.message for each in check(document, calendar))


def test_an_honest_tempo_tariff_is_no_spike_in_any_month():
    calendar = tempo_calendar(KEY, "tempo", tempo_days(), date(2024, 9, 1), date(2026, 5, 18))
    energy = tuple(
        CalendarLine(name, KEY, "tempo", (name,), Decimal(number) / 10, Decimal("0.20"))
        for number, name in enumerate(TEMPO_CLASSES)
    )
    tariff = simple_tariff(valid_from=date(2024, 10, 1), energy=energy)
    refuse_spikes(tariff, Schedules([calendar]))


def test_a_class_that_a_given_calendar_lacks_is_an_error_and_a_calendar_not_given_a_warning():
    unknown = [each for each in check(CURVE) if "This calendar was not given" in each.message]
    assert [(each.severity, each.path) for each in unknown] == [
        (Severity.WARNING, "energy[0].calendar"),
        (Severity.WARNING, "energy[1].calendar"),
    ]
    document = CURVE | {"energy": [curve_line("usual", "usual", "cheap"), TAX]}
    calendar = json.loads(msgspec.json.encode(town_calendar(40)))
    assert ("error", "energy[0].classes", "town has no class 'cheap'.") in said(
        check(document, calendar)
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-9, max_value=9).map(
        float
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values, st.sampled_from([None, 1]))
def test_values_are_read_as_json_reads_them_and_stand_on_their_lines(value, indent):
    text = json.dumps(value, indent=indent)
    located = read_located(text)
    assert json.loads(json.dumps(located.value, default=float)) == json.loads(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in located.lines.values())
    assert all(isinstance(show_place(place), str) for place in located.lines)


@given(
    st.dictionaries(st.sampled_from(sorted(SOUND)), json_values, max_size=3),
    st.dictionaries(st.sampled_from(sorted(LINE)), json_values, max_size=3),
)
def test_the_linter_says_error_exactly_where_the_product_refuses(changes, line_changes):
    document = with_line(**line_changes) | changes
    text = json.dumps(document)
    errors = count(check_files({"x.json": text}, TODAY), Severity.ERROR)
    try:
        parse_tariff(text.encode(), "x.json")
    except DocumentRefused:
        assert errors
    else:
        assert not errors
