"""A measures document from a list of groups."""

import hashlib

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cloud.commands.measures import measures
from cloud.estimation.plan import (
    PlannedGroup,
    PlannedMeasure,
    PlanTerms,
    draw_up_measures,
    planned_sigma,
    read_groups,
)
from cloud.estimation.public import SLOT_COLUMNS
from protocol.errors import DocumentRefused
from protocol.measures import Shares
from protocol.privacy import SHARE_STD_MIN
from protocol.transform import Transform

TERMS = PlanTerms("ville", bytes(32), 20_000, 20_365)
GROUPS = (
    PlannedGroup(PlannedMeasure.CURVE, "751010101", ("751010101",), 230),
    PlannedGroup(PlannedMeasure.CURVE, "7511", ("7511",), 1_200),
    PlannedGroup(PlannedMeasure.CLASSES, "75/edf", ("75",), 400, "edf"),
    PlannedGroup(PlannedMeasure.PROFILE, "75101", ("75101",), 120),
)


def transform_for(homes, rows):
    zeros = np.zeros((rows, 96), "<f4").tobytes()
    return msgspec.msgpack.encode(Transform(homes, rows, zeros, bytes(8 * 96), bytes(32)))


TRANSFORMS = (transform_for(200, 30), transform_for(1_000, 96))


def test_each_group_gets_its_crowd_threshold_and_the_transform_of_its_size():
    document = draw_up_measures(TERMS, GROUPS, TRANSFORMS)
    curve = document.measure("curve")
    assert [(each.crowd, each.threshold, each.slots) for each in curve.groups] == [
        (161, 161, 30),
        (840, 840, 96),
    ]
    assert curve.groups[1].transform == hashlib.sha256(TRANSFORMS[1]).digest()
    assert document.measure("profile").groups[0].threshold == 100
    assert sum(each.shares.plain for each in document.measures) == pytest.approx(1)
    assert sum(each.shares.profile for each in document.measures) == pytest.approx(1)
    assert document.measure("profile").shares.plain == 0
    for measure in document.measures:
        for group in measure.groups:
            assert document.noise_units(measure.shares.profile, group) > 8 * SHARE_STD_MIN


def test_a_measure_alone_has_the_whole_budget():
    document = draw_up_measures(TERMS, GROUPS[:2], TRANSFORMS)
    assert [each.shares for each in document.measures] == [Shares(1.0, 1.0)]


def test_a_towns_curve_takes_a_tenth_of_its_cells():
    town = PlannedGroup(PlannedMeasure.CURVE_TOWN, "75", ("75",), 1_430)
    document = draw_up_measures(TERMS, (*GROUPS, town), TRANSFORMS)
    curve, towns = document.measure("curve"), document.measure("curve-town")
    assert (towns.kind, towns.groups[0].transform) == (curve.kind, curve.groups[1].transform)
    for kind in ("plain", "profile"):
        shares = [getattr(each.shares, kind) for each in (curve, towns)]
        assert shares[1] == pytest.approx(shares[0] / 9)
    alone = draw_up_measures(TERMS, (town,), TRANSFORMS)
    assert [each.shares for each in alone.measures] == [Shares(1.0, 1.0)]


def test_a_size_without_a_transform_is_refused():
    with pytest.raises(DocumentRefused, match="7511: there is no transform for 1200"):
        draw_up_measures(TERMS, GROUPS, TRANSFORMS[:1])


def test_groups_are_read_from_json_and_csv_alike():
    lines = ["measure,code,areas,roster,provider"] + [
        f"{g.measure},{g.code},{' '.join(g.areas)},{g.roster},{g.provider}" for g in GROUPS
    ]
    assert read_groups("\n".join(lines).encode(), "g.csv") == GROUPS
    assert read_groups(msgspec.json.encode(GROUPS), "g.json") == GROUPS
    for bad in (b"[{}]", b"measure,code\ncurve,1", b"\xff"):
        with pytest.raises(DocumentRefused, match="no list of groups"):
            read_groups(bad, "g")


def test_noise_of_a_planned_group_is_what_its_document_says():
    document = draw_up_measures(TERMS, GROUPS[:1], TRANSFORMS)
    measure = document.measures[0]
    units = document.noise_units(measure.shares.plain, measure.groups[0]) * 230**0.5
    assert units / document.grid == pytest.approx(planned_sigma(230, 2.0))


def test_derive_writes_files_named_by_their_hash_that_show_reads(tmp_path):
    rng = np.random.default_rng(3)
    level = np.repeat(rng.lognormal(4, 0.5, 16), 21)
    made = {
        "household": [f"h{home}" for home in range(16) for _ in range(21)],
        "day": list(range(21)) * 16,
    } | {name: level * rng.lognormal(0, 0.3, 336) for name in SLOT_COLUMNS}
    pq.write_table(pa.table(made), tmp_path / "curves.parquet")
    out = tmp_path / "made"
    arguments = ["derive", "--curves", str(tmp_path / "curves.parquet"), "--homes", "200"]
    result = CliRunner().invoke(measures, [*arguments, "--out", str(out)])
    assert result.exit_code == 0, result.output
    files = sorted(out.iterdir())
    assert len(files) == 2
    for file in files:
        assert file.name.split(".")[0] == hashlib.sha256(file.read_bytes()).hexdigest()
        shown = CliRunner().invoke(measures, ["show", str(file), "--json"])
        assert msgspec.json.decode(shown.output)["homes"] == 200
