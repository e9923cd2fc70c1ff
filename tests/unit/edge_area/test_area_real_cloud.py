"""A chip's area lane against the cloud's own ingest and store: documents, seeds, contributions."""

from datetime import date

import pytest

from cloud.store.area import FigureKey
from protocol.area_cipher import SLOT_BYTES
from protocol.calendar import day_number
from protocol.roster import RosterEntry, sign_entry
from tests.support.area_town import AreaTown
from tests.support.chip_area import ChoicesBox, area_settings
from tests.support.chip_bench import PLATFORM_KEY, Bench, BenchClock, instant, make_identity
from tests.support.chip_cloud import RealCloud

START = instant(2026, 5, 10, 8)
DAY = day_number(date(2026, 5, 11))


@pytest.fixture
def bench(tmp_path):
    identity, clock = make_identity(), BenchClock(START)
    (tmp_path / "cloud").mkdir()
    cloud = RealCloud(identity, PLATFORM_KEY, tmp_path / "cloud", clock.now)
    town = AreaTown("ville", platform_key=PLATFORM_KEY)
    town.settle(cloud.store)
    entry = RosterEntry(
        number=0,
        previous=town.roster.head,
        household_key=identity.household_key,
        device=identity.device,
        signing_key=identity.signing_key.public_key().public_bytes_raw(),
        point=bytes(32),
        cell="751010101",
        provider="blue",
        start=DAY - 100,
    )
    cloud.store.area.append_roster([sign_entry(entry, town.registrar_key)])
    box = ChoicesBox()
    box.set(trustees=town.signed_trustees.hash.hex())
    bench = Bench(tmp_path / "chip", cloud, identity, START, settings=area_settings(box))
    bench.town = town
    bench.retained = town.sealing.retained
    bench.clock = clock
    yield bench
    bench.kill()
    cloud.store.close()


def test_the_cloud_hands_out_what_the_chip_believes_and_stores_what_it_contributes(bench):
    bench.begin()
    bench.run(4 * 24 * 3)
    area, town = bench.cloud.store.area, bench.town
    key = FigureKey(town.signed_measures.hash, "curve", "75101", DAY)
    (row,) = area.rows(key)
    assert row.household_key == bench.identity.household_key
    assert len(row.words) == SLOT_BYTES * (town.slots + 1)
    assert list(area.days(town.signed_measures.hash)) == [DAY, DAY + 1]
    assert bench.chip.is_drained
    assert not bench.chip.refused
    assert not bench.cloud.refused


def test_an_image_set_back_never_overwrites_what_the_cloud_has(bench, tmp_path):
    bench.begin()
    bench.run(4 * 14)
    bench.image(tmp_path / "image")
    bench.run(4 * 25)
    key = FigureKey(bench.town.signed_measures.hash, "curve", "75101", DAY)
    before = bench.cloud.store.area.rows(key)
    assert before
    bench.restore(tmp_path / "image")
    bench.begin()
    bench.run(4 * 30)
    assert bench.cloud.store.area.rows(key) == before
    assert bench.chip.is_drained
