"""The chip against a cloud that keeps the rules, in memory and for real: nothing lost, nothing twice."""

import contextlib
import random
import sqlite3
from collections import defaultdict
from datetime import timedelta

import pytest

from edge.chip.chip import ChipSettings
from edge.mqtt.outbox import OutboxSettings
from edge.vault import epochs as epochs_module
from protocol.calendar import day_end, legal_day, quarter_hours
from protocol.errors import Reason, StoreError
from protocol.household import EpochPad
from protocol.layout import REGISTER_STEP
from tests.support.chip_bench import PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud, RealCloud, opened
from tests.support.sweeps import swept

START = instant(2026, 3, 26, 10)  # the 29th has 92 quarter-hours, and then a month ends


@pytest.fixture(params=swept(["quarter_hourly", "daily"], 2))
def rhythm(request):
    return request.param


@pytest.fixture(params=[pytest.param("fake", marks=pytest.mark.long), "real"])
def bench(request, rhythm, tmp_path):
    identity = make_identity()
    if request.param == "fake":
        cloud = FakeCloud(identity, PLATFORM_KEY)
    else:
        (tmp_path / "cloud").mkdir()
        cloud = RealCloud(identity, PLATFORM_KEY, tmp_path / "cloud", lambda: START)
    bench = Bench(
        tmp_path / "chip",
        cloud,
        identity,
        START,
        is_quarter_hourly=rhythm == "quarter_hourly",
    )
    yield bench
    bench.kill()
    if request.param == "real":
        cloud.store.close()


def closed_days(values):
    return sorted({day for day, j in values if j == 127})


def assert_exact(bench):
    """Every quarter-hour of every closed day is in the cloud, and is what the meter counted."""
    values, expected = opened(bench.cloud, bench.identity), bench.expected()
    days = closed_days(values)
    today = legal_day(bench.clock.at)
    assert days == sorted({day for day, _ in expected if day < today})
    for day in days:
        for j in range(quarter_hours(day)):
            assert values[day, j] == expected.get((day, j), 0), (day, j)
    assert_sums(bench)


def assert_sums(bench):
    """Curve and steps add up to what the meter's registers rose by."""
    values = opened(bench.cloud, bench.identity)
    days = closed_days(values)
    end = day_end(days[-1])
    before, after = bench.meter.base_wh, bench.meter.registers_wh(end)
    curve_wh = sum(value for (day, j), value in values.items() if j < 100 and day <= days[-1])
    assert curve_wh == sum(after) - sum(before)
    for register in range(2):
        steps = sum(values[day, REGISTER_STEP + register] for day in days)
        assert steps == after[register] // 1000 - before[register] // 1000


def test_the_cloud_holds_exactly_what_the_meter_counted(bench):
    bench.begin()
    bench.run(96 * 7)
    bench.settle()
    assert_exact(bench)
    assert bench.cloud.refused == []


def test_a_killed_chip_goes_on_without_losing_or_repeating_a_quarter_hour(bench):
    bench.begin()
    for _ in range(12):
        bench.run(41)
        bench.restart()
    bench.settle()
    assert_exact(bench)
    assert bench.cloud.refused == []
    assert len({key[0] for key in bench.carried}) > 5


def test_lost_messages_cost_a_resend_and_nothing_else(bench):
    rng = random.Random(5)
    bench.drop = lambda _: rng.random() < 0.3
    bench.begin()
    for _ in range(6):
        bench.run(60)
        bench.restart()
    bench.drop = lambda _: False
    bench.settle()
    assert_exact(bench)
    assert all(each.reason is Reason.NO_EPOCH for each in bench.cloud.refused)


def test_a_broker_that_acknowledges_and_forgets_costs_a_resend_and_nothing_else(bench):
    bench.begin()
    bench.run(96)
    bench.forget = lambda _: True
    bench.run(96 + 20)
    assert not bench.chip.is_drained
    bench.forget = lambda _: False
    bench.settle()
    assert_exact(bench)


def test_thirty_days_offline_are_drained_and_nothing_is_missing(bench, rhythm):
    bench.begin()
    bench.run(50)
    bench.connect(is_online=False)
    is_quick = rhythm == "daily" and isinstance(bench.cloud, FakeCloud)
    bench.run(96 * (30 if is_quick else 4))
    bench.connect(is_online=True)
    bench.run(3)
    bench.settle()
    assert_exact(bench)


def test_a_chip_that_starts_without_a_network_meters_in_the_clear_and_encrypts_later(bench):
    bench.begin()
    bench.run(50)
    bench.is_online = False
    bench.restart()
    bench.run(200)
    assert bench.vault.values.pending_days()
    bench.connect(is_online=True)
    bench.settle()
    bench.run(100)
    bench.settle()
    assert_exact(bench)


@pytest.mark.parametrize("gap_quarters", swept([96 * 2 + 5, 0, 7], 3))
def test_an_old_image_put_back_never_reuses_a_coefficient_and_loses_no_energy(
    bench, tmp_path, gap_quarters
):
    bench.begin()
    bench.run(96 * 2 + 30)
    bench.image(tmp_path / "image")
    bench.run(96 * 3 + 11)
    bench.settle()
    before = opened(bench.cloud, bench.identity)
    bench.restore(tmp_path / "image")
    skip(bench, gap_quarters)
    bench.start()
    bench.run(96 * 2)
    bench.settle()
    after = opened(bench.cloud, bench.identity)
    assert {key: after[key] for key in before} == before
    assert bench.cloud.refused == []
    assert_sums(bench)


def test_an_image_of_this_morning_put_back_does_not_send_a_block_twice(bench, tmp_path):
    bench.begin()
    bench.run(96 * 2 + 30)
    bench.image(tmp_path / "image")
    bench.run(20)
    bench.settle()
    bench.restore(tmp_path / "image")
    bench.start()
    bench.run(96 * 2)
    bench.settle()
    assert bench.cloud.refused == []
    assert_sums(bench)


def test_a_lost_vault_is_rebuilt_from_the_cloud(bench):
    bench.begin()
    bench.run(96 * 3 + 30)
    bench.settle()
    old_days = bench.vault.day_rows(START.date(), START.date() + timedelta(days=9))
    old = opened(bench.cloud, bench.identity)
    bench.kill()
    for path in bench.directory.iterdir():
        path.unlink()
    skip(bench, 5)
    bench.start()
    bench.run(96 * 2)
    bench.settle()
    assert_sums(bench)
    new_days = bench.vault.day_rows(START.date(), START.date() + timedelta(days=9))
    assert [row.closed.register_steps_kwh for row in new_days[:3]] == [
        row.closed.register_steps_kwh for row in old_days[:3]
    ]
    assert {row.closed.calendar for row in new_days} == {"H PLEINE/CREUSE"}
    assert {row.closed.meter_serial for row in new_days} == {
        row.closed.meter_serial for row in old_days
    }
    assert [row.blocks for row in new_days[:3]] == [row.blocks for row in old_days[:3]]
    kept = {
        (i.day, i.j): i.energy_wh
        for i in bench.vault.values.intervals(START.date(), legal_day(bench.clock.at))
    }
    assert all(kept[key] == old[key] for key in kept if key in old)


def test_a_damaged_vault_is_moved_aside_and_rebuilt(bench):
    bench.begin()
    bench.run(96 * 2)
    bench.settle()
    bench.kill()
    path = bench.directory / "vault.db"
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 512):
        data[at : at + 64] = bytes(64)
    path.write_bytes(data)
    bench.start()
    assert (bench.directory / "vault.db.damaged-1").exists()
    bench.run(96 * 2)
    bench.settle()
    assert_sums(bench)


def test_a_store_set_back_is_filled_up_again(bench):
    bench.begin()
    bench.run(96 * 2)
    bench.settle()
    snapshot = bench.cloud.snapshot()
    bench.run(96 * 2)
    bench.settle()
    full = opened(bench.cloud, bench.identity)
    bench.cloud.put_back(snapshot)
    assert opened(bench.cloud, bench.identity) != full
    bench.run(97)
    bench.settle()
    assert_exact(bench)
    assert full.items() <= opened(bench.cloud, bench.identity).items()


def test_an_empty_new_store_gets_everything(bench):
    bench.begin()
    snapshot = bench.cloud.snapshot()
    bench.run(96 * 3)
    bench.settle()
    bench.cloud.put_back(snapshot)
    bench.restart()
    bench.run(2)
    bench.settle()
    assert_exact(bench)


@pytest.mark.parametrize("is_before", swept([True, False], 2))
def test_a_commit_that_fails_ends_the_process_and_costs_nothing(bench, monkeypatch, is_before):
    bench.begin()
    failures = 0
    for _ in range(30):
        bench.run(7)
        fail_next_commit(bench.vault, monkeypatch, is_before=is_before)
        bench.clock.at += timedelta(minutes=15)
        bench.clock.seconds += 900
        frame = bench.meter.frame(bench.clock.at)
        with pytest.raises(StoreError):
            bench.chip.observe(frame, bench.clock.host_time())
        with pytest.raises(StoreError):
            bench.vault.record([], bench.vault.values.state())
        failures += 1
        bench.restart()
        bench.chip.observe(frame, bench.clock.host_time())
        bench.pump()
    bench.run(96)
    bench.settle()
    assert failures == 30
    assert_sums(bench)


def test_reusing_an_epoch_after_a_restore_is_seen(rhythm, tmp_path, monkeypatch):
    """The check that all scenarios rest on: break the rule and it shows."""
    pads = {}
    real = EpochPad.__init__

    def same_pad(self, month, incarnation, seed, z0):
        seed, z0 = pads.setdefault((month, incarnation), (seed, z0))
        real(self, month, incarnation, seed, z0)

    monkeypatch.setattr(EpochPad, "__init__", same_pad)
    monkeypatch.setattr(epochs_module, "new_incarnation", lambda: b"constant")
    identity = make_identity()
    cloud = FakeCloud(identity, PLATFORM_KEY)
    is_quarter_hourly = rhythm == "quarter_hourly"
    bench = Bench(tmp_path / "chip", cloud, identity, START, is_quarter_hourly=is_quarter_hourly)
    bench.begin()
    bench.run(30)
    bench.image(tmp_path / "image")
    bench.run(96)
    bench.settle()
    bench.restore(tmp_path / "image")
    cloud.put_back(({}, {}))
    bench.meter._random.seed(99)
    bench.meter._energies_wh = [wh + 1 for wh in bench.meter._energies_wh[:30]]
    bench.start()
    with pytest.raises(AssertionError, match="two values"):
        bench.run(96)
    bench.kill()


def test_what_does_not_fit_in_the_send_window_is_spread_over_it(tmp_path):
    identity = make_identity()
    settings = ChipSettings(send_window_s=3_600.0, outbox=OutboxSettings())
    bench = Bench(
        tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, START, settings=settings
    )
    bench.begin()
    bench.run(96)
    sent = defaultdict(int)
    for publish in bench.sent:
        sent[publish.topic.rsplit("/", 1)[1]] += 1
    bench.clock.seconds += 3_600
    bench.pump()
    bench.settle()
    assert_sums(bench)
    bench.kill()


def skip(bench, quarter_hours_away):
    """Let the meter go on while there is no chip."""
    bench.clock.at += timedelta(minutes=15) * quarter_hours_away
    bench.clock.seconds += 900 * quarter_hours_away


def fail_next_commit(vault, monkeypatch, *, is_before):
    """Let the next transaction fail before its commit, or report failure although it is done."""
    real = vault._database.atomic

    @contextlib.contextmanager
    def failing():
        with real():
            yield
            if is_before:
                raise sqlite3.OperationalError("disk I/O error")
        raise sqlite3.OperationalError("disk I/O error after all")

    monkeypatch.setattr(vault._database, "atomic", failing)
