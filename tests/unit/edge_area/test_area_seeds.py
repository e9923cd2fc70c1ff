"""The chip's seeds go with their month: from the vault's file and from the log beside it."""

import shutil

import pytest

from edge.vault.reader import read_vault
from edge.vault.vault import Vault
from protocol.area_cipher import month_number
from protocol.calendar import day_number, day_of_number
from tests.support.chip_area import area_bench
from tests.support.chip_bench import instant

START = instant(2026, 5, 29, 0)
MAY = day_number(START.date()) - 28
JUNE = MAY + 31
DAY_STEPS = 4 * 24
# From the start (02:00 of the legal day) to noon of 2 June.
UNTIL_NOON = 4 * DAY_STEPS + 40


@pytest.fixture
def bench(tmp_path):
    made = area_bench(tmp_path, START)
    yield made
    made.kill()


def files_of(folder) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("vault.db*")))


def seeds_of(bench):
    return bench.vault.area.key_shares().seeds


def holds(bench, seeds) -> bool:
    data = files_of(bench.directory)
    return any(seed in data for seed in seeds.seeds)


def test_days_on_both_sides_of_a_months_end_open_with_the_seeds_of_one_message(bench):
    bench.begin()
    bench.run(DAY_STEPS * 6)
    assert len({letters.generation for letters in bench.cloud.letters}) == 1
    days = {each.day for each in bench.cloud.received}
    assert days >= {JUNE - 1, JUNE}
    for each in bench.cloud.received:
        opened = bench.cloud.opened(day_of_number(each.day))
        assert {slots[-1] for slots in opened.values()} == {1}


def test_seeds_of_a_month_are_deleted_when_no_day_of_it_can_be_sent(bench):
    """The deadline is 36 hours: the last day of May can be contributed until noon of 2 June."""
    bench.begin()
    bench.run(1)
    first = seeds_of(bench)
    assert first.month == MAY
    bench.run(UNTIL_NOON - 4)
    assert holds(bench, first)
    bench.run(8)
    assert not holds(bench, first)
    assert seeds_of(bench) == first.later(JUNE)


def test_sabotage_seeds_that_stay_in_the_write_ahead_log_are_found(bench, monkeypatch):
    monkeypatch.setattr(Vault, "truncate_wal", lambda _: True)
    bench.begin()
    bench.run(1)
    first = seeds_of(bench)
    bench.run(UNTIL_NOON + 4)
    assert seeds_of(bench).month == JUNE
    assert holds(bench, first)


def test_a_reader_at_that_moment_only_delays_it(bench):
    bench.begin()
    bench.run(1)
    first = seeds_of(bench)
    with read_vault(bench.directory) as reader:
        reader._database.execute("BEGIN")
        assert reader.area.key_shares().seeds == first
        bench.run(UNTIL_NOON + 4)
        assert seeds_of(bench).month == JUNE
        assert holds(bench, first)
    bench.run(1)
    assert not holds(bench, first)


def test_new_seeds_take_the_place_of_those_before(bench):
    bench.begin()
    bench.run(1)
    first = seeds_of(bench)
    bench.cloud.entry = bench.cloud.make_entry(number=9, start=MAY)
    bench.restart()
    bench.run(4)
    assert seeds_of(bench).generation > first.generation
    assert not holds(bench, first)


def test_an_old_image_forgets_when_it_hears_the_meter(bench, tmp_path):
    bench.begin()
    bench.run(1)
    first = seeds_of(bench)
    bench.vault.truncate_wal()
    image = tmp_path / "image"
    shutil.copytree(bench.directory, image)
    bench.run(DAY_STEPS * 5)
    bench.kill()
    for path in bench.directory.glob("vault.db*"):
        path.unlink()
    shutil.copy(image / "vault.db", bench.directory)
    assert holds(bench, first)
    bench.begin()
    bench.run(2)
    assert not holds(bench, first)
    assert seeds_of(bench).month == month_number(JUNE)


def test_seeds_drawn_just_after_a_months_end_serve_its_last_day_too(bench):
    bench.clock.at = instant(2026, 6, 1, 0)
    bench.begin()
    bench.run(1)
    assert seeds_of(bench).month == MAY
