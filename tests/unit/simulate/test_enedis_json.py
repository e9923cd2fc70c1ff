"""The JSON in which Enedis gives a load curve is read exactly, or an error names the reading."""

import msgspec
import pytest

from edge.simulate.curve_files import load_curve
from protocol.errors import FrameError


def document(*readings, unit="W"):
    each = [
        {"value": value, "date": at, "interval_length": length, "measure_type": "B"}
        for value, at, length in readings
    ]
    kind = {"unit": unit, "measurement_kind": "power", "aggregate": "average"}
    return {"meter_reading": {"reading_type": kind, "interval_reading": each}}


def load(tmp_path, document):
    path = tmp_path / "curve.json"
    path.write_bytes(msgspec.json.encode(document))
    return load_curve(path)


def test_a_document_of_half_hours_as_enedis_gives_it(tmp_path):
    """With fields that Volet does not write."""
    given = document(
        ("540", "2019-05-06 00:30:00", "PT30M"), ("120", "2019-05-06 01:30:00", "PT30M")
    )
    given["meter_reading"] |= {"usage_point_id": "16401220101758", "quality": "BRUT"}
    curve = load(tmp_path, given)
    assert (curve.step_s, curve.power_w.tolist()) == (1_800, [540, 0, 120])


@pytest.mark.parametrize(
    ("readings", "why"),
    [
        ([("1", "2027-03-28 02:15:00", "PT15M")], r"reading 1: .* does not exist"),
        ([("1", "2026-02-29 02:15:00", "PT15M")], "reading 1: '2026-02-29 02:15:00' is no instant"),
        ([("1", "1998-02-27 02:15:00", "PT15M")], "1998 is not a year"),
        (
            [("1", "2026-02-27 02:15:00", "PT15M"), ("1", "2026-02-27 02:15:00", "PT15M")],
            "reading 2: the instant does not come after",
        ),
        ([("1", "2026-02-27 02:15:00", "PT7M")], "no load curve"),
        ([("-1", "2026-02-27 02:15:00", "PT15M")], "no load curve"),
        ([("1.5", "2026-02-27 02:15:00", "PT15M")], "no load curve"),
        ([("999999", "2026-02-27 02:15:00", "PT15M")], "more than a household's meter"),
        ([], "no load curve"),
        # Complete in one year, in part in the next: the drop of the first says nothing of it.
        (
            [
                ("1", "2026-10-25 02:30:00", "PT15M"),
                ("1", "2026-10-25 02:15:00", "PT15M"),
                ("1", "2027-10-31 02:15:00", "PT15M"),
            ],
            "reading 3: .* comes twice",
        ),
        # Either pass, or the end of one and the beginning of the other.
        ([("1", "2026-10-25 02:30:00", "PT15M")], "reading 1: .* comes twice"),
        (
            [("1", "2026-10-25 02:00:00", "PT15M"), ("1", "2026-10-25 02:45:00", "PT15M")],
            "reading 1: .* comes twice",
        ),
    ],
)
def test_what_is_wrong_in_a_json_is_named(tmp_path, readings, why):
    with pytest.raises(FrameError, match=why):
        load(tmp_path, document(*readings))


def test_a_document_of_energy_is_not_taken_for_one_of_power(tmp_path):
    with pytest.raises(FrameError, match="no load curve"):
        load(tmp_path, document(("1", "2026-02-27 02:15:00", "PT15M"), unit="Wh"))


def test_both_passes_of_the_repeated_hour_are_told_apart_by_their_order(tmp_path):
    walls = [f"02:{minute:02}:00" for minute in (0, 15, 30, 45)] * 2 + ["03:00:00"]
    rows = [(str(at), f"2026-10-25 {wall}", "PT15M") for at, wall in enumerate(walls)]
    curve = load(tmp_path, document(*rows))
    assert curve.power_w.tolist() == list(range(9))
