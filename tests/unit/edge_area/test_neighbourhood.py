"""A chip follows its own neighbourhood's curve: asks for nothing else, believes nothing odd."""

from datetime import date, timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from cloud.estimation.plan import PlannedMeasure
from edge.area.figure import (
    DAYS_KEPT,
    FIGURE_MAX_BYTES,
    KeptFigures,
    load_kept,
    read_figure,
    save_kept,
)
from edge.area.neighbourhood import READ_AN_HOUR_MAX, Following
from edge.area.settings import AreaConfig
from edge.mqtt.message import Arrived
from edge.vault.moving import Departure
from protocol.calendar import quarter_hours
from protocol.errors import MessageRefused, Reason
from protocol.release import TableRelease, encode
from protocol.topics import NEIGHBOURHOODS, area_topic
from tests.support.chip_area import area_bench, make_measures
from tests.support.chip_bench import instant
from tests.support.figures import CODE, HOUSEHOLDS, curve_payload, curve_release

START = instant(2026, 3, 30, 22)
TODAY = date(2026, 3, 31)
DAY = date(2026, 3, 28)
SHORT, LONG = date(2026, 3, 29), date(2025, 10, 26)
TOPIC = area_topic("ville", NEIGHBOURHOODS, CODE)


@pytest.fixture
def bench(tmp_path):
    made = area_bench(tmp_path, START, figures=tmp_path / "figures.json")
    yield made
    made.kill()


def arrive(bench, payload, topic=TOPIC):
    bench.chip.take(Arrived(topic, payload))
    bench.pump()


def areas(bench):
    return {topic for topic in bench.chip.topics() if "/area/" in topic}


def test_the_neighbourhoods_measure_is_the_one_that_a_city_draws_up():
    assert PlannedMeasure.CURVE == NEIGHBOURHOODS


@pytest.mark.parametrize("day", [DAY, SHORT, LONG])
def test_a_figure_becomes_a_mean_of_each_quarter_hour(day):
    figure = read_figure(curve_payload(day), CODE, TODAY)
    assert (figure.day, figure.households) == (day, HOUSEHOLDS)
    assert figure.mean_wh == tuple(50.0 + j for j in range(quarter_hours(day)))
    assert set(figure.band_wh) == {5.0}


def curve(value, day=DAY):
    return (value,) * quarter_hours(day)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"count": 92}, Reason.BOUNDS),
        ({"count": 100}, Reason.BOUNDS),
        ({"count": 0}, Reason.BOUNDS),
        ({"quarter_hours": curve(1.0)[1:]}, Reason.BOUNDS),
        ({"band_90": ()}, Reason.BOUNDS),
        ({"band_90": curve(-1.0)}, Reason.BOUNDS),
        ({"quarter_hours": curve(1e308)}, Reason.BOUNDS),
        ({"quarter_hours": curve(-1e308)}, Reason.BOUNDS),
        ({"quarter_hours": curve(9_001.0 * HOUSEHOLDS)}, Reason.BOUNDS),
        ({"unit": "kWh"}, Reason.BOUNDS),
        ({"unit": "<b>Wh</b>"}, Reason.BOUNDS),
        ({"code": "75102"}, Reason.TOPIC),
        ({"code": "<script>alert(1)</script>"}, Reason.TOPIC),
        ({"measure": "curve-town"}, Reason.TOPIC),
        ({"day": "2026-04-01"}, Reason.BOUNDS),
        ({"day": "2025-03-29"}, Reason.BOUNDS),
        ({"day": "0001-01-01"}, Reason.BOUNDS),
        ({"day": "2026-02-30"}, Reason.MALFORMED),
        ({"day": "<img src=x>"}, Reason.MALFORMED),
        ({"revision": 101}, Reason.MALFORMED),
        ({"transform": "0" * FIGURE_MAX_BYTES}, Reason.OVERSIZE),
    ],
)
def test_a_hostile_figure_is_refused(changes, reason):
    with pytest.raises(MessageRefused) as refused:
        read_figure(curve_payload(DAY, **changes), CODE, TODAY)
    assert refused.value.reason is reason
    assert "<" not in refused.value.detail


@pytest.mark.parametrize("day", [SHORT, LONG])
def test_a_day_on_which_clocks_change_has_no_96_quarter_hours(day):
    with pytest.raises(MessageRefused):
        read_figure(curve_payload(day, count=96), CODE, TODAY)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"quarter_hours":[', b'"quarter_hours":[NaN,'),
        (b'"quarter_hours":[', b'"quarter_hours":[Infinity,'),
        (b'"quarter_hours":[', b'"quarter_hours":[1e999,'),
        (b'"quarter_hours":[', b'"quarter_hours":["1",'),
        (b'"quarter_hours":[12500.0', b'"quarter_hours":[1' + b"0" * 400),
        (b'"households":250', b'"households":0'),
        (b'"households":250', b'"households":-250'),
        (b'"households":250', b'"households":250.5'),
        (b'"households":250', b'"households":9223372036854775807'),
        (b'"unit"', b'"other":0,"unit"'),
        (b'"unit"', b'"day":"2026-03-27","unit"'),
        (b'"kind":"curve"', b'"kind":"curve-sum"'),
        (b"{", b"\xff{"),
    ],
)
def test_json_that_no_worker_writes_is_refused(old, new):
    payload = curve_payload(DAY).replace(old, new, 1)
    assert payload != curve_payload(DAY)
    with pytest.raises(MessageRefused):
        read_figure(payload, CODE, TODAY)


def test_a_table_is_no_curve():
    table = TableRelease("curve", CODE, str(DAY), 0, (), curve_release(DAY).terms)
    with pytest.raises(MessageRefused):
        read_figure(encode(table), CODE, TODAY)


@pytest.mark.parametrize("is_on", [True, False])
def test_a_chip_asks_for_its_own_groups_curve_whether_it_takes_part_or_not(bench, is_on):
    bench.box.set(is_on=is_on)
    bench.begin()
    assert areas(bench) == {TOPIC}
    assert bench.chip.neighbourhood.following is Following.ON
    assert bench.chip.neighbourhood.group.code == CODE
    assert bench.chip.neighbourhood.days_a_week == 7


def test_a_chip_asks_for_no_curve_before_the_trustees_are_confirmed(tmp_path):
    bench = area_bench(tmp_path, START, is_confirmed=False)
    bench.begin()
    assert areas(bench) == set()
    assert bench.chip.neighbourhood.following is Following.NOT_CONFIRMED
    bench.box.set(trustees=bench.cloud.signed_set.hash.hex())
    bench.run(4)
    assert areas(bench) == {TOPIC}
    bench.kill()


def test_a_chip_whose_configuration_rules_areas_out_asks_for_no_curve(tmp_path):
    bench = area_bench(tmp_path, START, config=AreaConfig(enabled=False))
    bench.begin()
    assert areas(bench) == set()
    assert bench.chip.neighbourhood.following is Following.DISABLED
    bench.kill()


def test_a_home_that_no_area_has_asks_for_no_curve(tmp_path):
    bench = area_bench(tmp_path, START)
    bench.cloud.entry = None
    bench.begin()
    assert areas(bench) == set()
    assert bench.chip.neighbourhood.following is Following.NO_AREA
    bench.kill()


@pytest.mark.parametrize("code", ["75101/more", "75+01", "75102"])
def test_a_home_without_a_group_or_whose_code_is_no_part_of_a_topic_asks_for_no_curve(
    tmp_path, code
):
    bench = area_bench(tmp_path, START)
    made = make_measures(bench.cloud.signed_set.hash, bench.cloud.transform_hash)
    first, *rest = made.measures
    (group,) = first.groups
    areas_of = ("75102",) if code == "75102" else group.areas
    group = msgspec.structs.replace(group, code=code, areas=areas_of)
    measures = msgspec.structs.replace(
        made, measures=(msgspec.structs.replace(first, groups=(group,)), *rest)
    )
    bench.cloud.measures_list.clear()
    bench.cloud.add_measures(bench.cloud.trustees.sign(measures))
    bench.begin()
    assert areas(bench) == set()
    assert bench.chip.neighbourhood.following is Following.NO_GROUP
    bench.kill()


def test_what_has_arrived_is_there_after_a_restart_and_metering_goes_on(bench, tmp_path):
    bench.begin()
    for day in (DAY, SHORT):
        arrive(bench, curve_payload(day))
    days = bench.chip.neighbourhood.days
    assert [each.day for each in days] == [DAY, SHORT]
    assert load_kept(tmp_path / "figures.json") != KeptFigures()
    bench.clock.seconds += 61
    bench.pump()
    bench.restart()
    bench.pump()
    assert bench.chip.neighbourhood.days == days
    bench.run(8)
    assert bench.vault.values.kept_quarter_hours().known >= 7


def test_a_damaged_file_is_no_reason_to_stop(bench, tmp_path):
    path = tmp_path / "figures.json"
    for data in (b"", b"{", b'{"code":"75101","days":[{"day":"2026-03-28"}]}'):
        path.write_bytes(data)
        path.chmod(0o600)
        bench.restart()
        bench.pump()
        assert bench.chip.neighbourhood.days == ()
    good = read_figure(curve_payload(DAY), CODE, TODAY)
    save_kept(path, KeptFigures(CODE, (msgspec.structs.replace(good, day=SHORT),)))
    assert load_kept(path) == KeptFigures()


def test_another_groups_file_is_forgotten(bench, tmp_path):
    good = read_figure(curve_payload(DAY), CODE, TODAY)
    save_kept(tmp_path / "figures.json", KeptFigures("75102", (good,)))
    bench.begin()
    assert bench.chip.neighbourhood.days == ()


def test_a_disk_that_is_full_costs_the_file_and_nothing_else(tmp_path):
    bench = area_bench(tmp_path, START, figures=tmp_path / "missing" / "figures.json")
    with capture_logs() as logs:
        bench.begin()
        arrive(bench, curve_payload(DAY))
    assert [each.day for each in bench.chip.neighbourhood.days] == [DAY]
    assert {"area_figures_not_kept"} <= {each["event"] for each in logs}
    bench.run(8)
    assert not bench.chip.set_aside
    bench.kill()


def test_the_latest_month_is_kept_and_a_later_release_replaces_an_earlier_one(bench):
    bench.begin()
    first = TODAY - timedelta(days=DAYS_KEPT)
    for number in range(DAYS_KEPT + 1):
        arrive(bench, curve_payload(first + timedelta(days=number)))
    arrive(bench, curve_payload(first - timedelta(days=1)))
    days = bench.chip.neighbourhood.days
    assert [each.day for each in days] == [
        first + timedelta(days=number) for number in range(1, DAYS_KEPT + 1)
    ]
    lower = tuple(float(HOUSEHOLDS) for _ in range(96))
    arrive(bench, curve_payload(TODAY, revision=1, quarter_hours=lower))
    assert bench.chip.neighbourhood.days[-1].mean_wh == (1.0,) * 96
    arrive(bench, curve_payload(TODAY))
    assert bench.chip.neighbourhood.days[-1].revision == 1
    arrive(bench, b"")
    assert bench.chip.neighbourhood.days[-1].revision == 1


def test_a_flood_of_figures_is_refused_and_written_no_more_than_once_a_minute(bench, monkeypatch):
    bench.begin()
    written = []
    monkeypatch.setattr(
        "edge.area.neighbourhood.save_kept", lambda _path, kept: written.append(kept)
    )
    for number in range(READ_AN_HOUR_MAX + 20):
        arrive(bench, curve_payload(DAY, revision=number % 2))
    assert bench.chip.refused[Reason.QUOTA] >= 20
    assert len(written) <= 1
    bench.clock.seconds += 3_601
    arrive(bench, curve_payload(SHORT))
    assert bench.chip.neighbourhood.days[-1].day == SHORT
    assert not bench.chip.set_aside


def test_figures_on_other_topics_are_not_read(bench):
    bench.begin()
    for topic in ("curve/75102", "classes/75101", "curve/75101/more", "curve"):
        arrive(bench, curve_payload(DAY), f"volet/v1/ville/area/{topic}")
        arrive(bench, curve_payload(DAY), f"volet/v1/autre/area/{topic}")
    assert bench.chip.neighbourhood.days == ()


def test_a_household_that_has_left_follows_no_curve_any_more(bench):
    bench.begin()
    assert areas(bench) == {TOPIC}
    bench.vault.departures.put(Departure(DAY, bench.clock.now(), is_told=True))
    bench.restart()
    assert areas(bench) == set()
