"""Many frames in one commit: the same record as one by one, or none of it."""

from datetime import timedelta

import pytest

from edge.simulate.host import host_time_at
from protocol.errors import StoreError
from tests.support.chip_bench import FRAMES_AT_START, PLATFORM_KEY, Bench, instant, make_identity
from tests.support.chip_cloud import FakeCloud

START = instant(2026, 3, 1)
QUARTERS = 110


def make_bench(directory, identity):
    bench = Bench(directory, FakeCloud(identity, PLATFORM_KEY), identity, START)
    bench.begin()
    return bench


def frames(bench):
    times = [START + n * timedelta(minutes=15) for n in range(1, QUARTERS)]
    return [(bench.meter.frame(at), host_time_at(at)) for at in times]


def record(bench):
    days = bench.vault.day_rows(START.date(), START.date() + timedelta(days=3))
    intervals = bench.vault.values.intervals(START.date(), START.date() + timedelta(days=3))
    return [day.closed for day in days], intervals, bench.vault.values.state()


def test_many_frames_leave_the_same_record_as_one_by_one(tmp_path):
    identity = make_identity()
    one, many = (make_bench(tmp_path / name, identity) for name in ("one", "many"))
    for frame, host in frames(one):
        one.chip.observe(frame, host)
    many.chip.observe_all(frames(many))
    assert len(record(one)[1]) > QUARTERS - FRAMES_AT_START
    assert record(one) == record(many)
    one.kill()
    many.kill()


def fail(_state):
    raise StoreError("The disk is full.")


def test_frames_whose_commit_fails_leave_nothing(tmp_path, monkeypatch):
    bench = make_bench(tmp_path / "chip", make_identity())
    before = record(bench)
    monkeypatch.setattr(bench.vault.values, "save_state", fail)
    with pytest.raises(StoreError):
        bench.chip.observe_all(frames(bench))
    assert record(bench) == before
    bench.kill()
