"""An index that the chip does not believe has a way out: a person who compares and confirms."""

import stat
from datetime import timedelta

import msgspec
import pytest

from edge.chip.confirming import ORDER, Confirmation, leave_confirmation
from edge.chip.settings import ChipSettings
from edge.language.choice import Lang
from edge.metering.events import NoticeKind
from edge.metering.unconfirmed import quarantine_in
from edge.status.report import Advice, advise_on_unconfirmed
from tests.support.chip_bench import (
    PLATFORM_KEY,
    SERIAL,
    Bench,
    BenchMeter,
    OutboxSettings,
    instant,
    make_identity,
)
from tests.support.chip_cloud import FakeCloud
from tests.support.confirming import confirm, notice_kinds, state_of

START = instant(2026, 5, 5, 10)


@pytest.fixture
def bench(tmp_path):
    """A chip whose meter is set to zero in one register at a visit."""
    directory, identity = tmp_path / "chip", make_identity()
    settings = ChipSettings(
        outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64),
        confirmation=Confirmation(directory),
    )
    cloud = FakeCloud(identity, PLATFORM_KEY)
    bench = Bench(directory, cloud, identity, START, settings=settings)
    bench.begin()
    bench.run(8)
    low_wh, _ = bench.meter.registers_wh(bench.clock.at)
    bench.meter = BenchMeter(bench.clock.at)
    bench.meter.base_wh = (low_wh, 0)
    bench.run(8)
    yield bench
    bench.kill()


def curve_wh(bench):
    curve = bench.vault.values.intervals(START.date(), bench.clock.at.date() + timedelta(days=1))
    return sum(each.energy_wh for each in curve) + bench.chip._meter.state.account.pool_wh


def test_the_command_shows_both_indices_and_what_confirming_means(bench):
    assert advise_on_unconfirmed(state_of(bench)) == [Advice.CONFIRM]
    shown = confirm(bench, "--lang", "en", answer="n\n")
    assert shown.exit_code == 1
    assert SERIAL in shown.output
    assert "EASF02" in shown.output
    assert "7,6" in shown.output
    assert "billed to nobody" in shown.output
    assert [line.split()[0] for line in shown.output.splitlines() if "does not follow" in line] == [
        "EAST",
        "EASF02",
    ]
    assert not (bench.directory / ORDER.name).exists()
    assert "n'est facturé à personne" in confirm(bench, "--lang", "fr", answer="n\n").output


def test_the_running_chip_goes_on_from_the_confirmed_index(bench):
    before = quarantine_in(state_of(bench)).before
    assert confirm(bench, "--yes").exit_code == 0
    assert stat.S_IMODE((bench.directory / ORDER.name).stat().st_mode) == 0o600
    bench.run(3)
    assert NoticeKind.INDEX_BEGAN_ANEW in notice_kinds(bench)
    assert quarantine_in(state_of(bench)) is None
    assert advise_on_unconfirmed(state_of(bench)) == []
    assert not (bench.directory / ORDER.name).exists()
    bench.run(96)
    (closed,) = [
        closed for closed, _ in bench.vault.values.days(before.at.date(), bench.clock.at.date())
    ]
    assert closed.doubts == ("index_began_anew",)
    assert sum(closed.register_steps_kwh) < 200  # 7 654 kWh of another index are in no step


def test_a_chip_that_is_started_later_takes_it_too(bench):
    bench.kill()
    shown = confirm(bench, "--yes", "--lang", "en")
    assert "volet edge run" in shown.output
    bench.clock.at += timedelta(minutes=1)
    bench.start()
    assert NoticeKind.INDEX_BEGAN_ANEW in notice_kinds(bench)


def test_what_the_meter_does_not_show_any_more_is_not_taken(bench):
    found = quarantine_in(state_of(bench))
    now = msgspec.structs.replace(found.now, total_wh=3_000_000)
    leave_confirmation(bench.directory, msgspec.structs.replace(found, now=now))
    bench.run(2)
    assert NoticeKind.INDEX_BEGAN_ANEW not in notice_kinds(bench)
    assert quarantine_in(state_of(bench)) is not None


def test_an_old_word_says_nothing_of_another_quarantine(bench):
    found = quarantine_in(state_of(bench))
    before = msgspec.structs.replace(found.before, at=found.before.at - timedelta(days=1))
    leave_confirmation(bench.directory, msgspec.structs.replace(found, before=before))
    bench.run(2)
    assert NoticeKind.INDEX_BEGAN_ANEW not in notice_kinds(bench)


def test_another_meters_frames_in_between_neither_take_nor_lose_the_word(bench):
    assert confirm(bench, "--yes").exit_code == 0
    own, bench.meter = bench.meter, BenchMeter(bench.clock.at, 3, "041961234599")
    bench.run(4)
    assert NoticeKind.OTHER_METER in notice_kinds(bench)
    assert (bench.directory / ORDER.name).exists()
    bench.meter = own
    bench.run(4)
    assert NoticeKind.INDEX_BEGAN_ANEW in notice_kinds(bench)


def test_a_word_for_what_the_meter_has_left_since_is_void_and_asked_again(bench):
    assert confirm(bench, "--yes").exit_code == 0
    bench.meter.base_wh = (0, 0)  # the other register is set to zero too, before the chip looks
    bench.run(4)
    assert NoticeKind.INDEX_BEGAN_ANEW not in notice_kinds(bench)
    assert not (bench.directory / ORDER.name).exists()
    assert advise_on_unconfirmed(state_of(bench)) == [Advice.CONFIRM]
    assert confirm(bench, "--yes").exit_code == 0
    bench.run(2)
    assert quarantine_in(state_of(bench)) is None


def test_a_word_of_days_later_frees_all_that_was_counted_since(bench):
    found, believed_wh = quarantine_in(state_of(bench)), curve_wh(bench)
    bench.run(4 * 96)
    assert bench.vault.values.last_closed() is None
    assert confirm(bench, "--yes").exit_code == 0
    bench.run(96)
    counted_wh = sum(bench.meter.registers_wh(bench.clock.at)) - found.first.total_wh
    counted_wh += found.first.registers_wh[0] - found.before.registers_wh[0]  # which did not fall
    assert curve_wh(bench) == believed_wh + counted_wh


def test_a_damaged_word_stops_nothing(bench):
    (bench.directory / ORDER.name).write_text("{")
    bench.run(2)
    assert quarantine_in(state_of(bench)) is not None


def test_without_a_quarantine_there_is_nothing_to_confirm(tmp_path):
    identity = make_identity()
    bench = Bench(tmp_path / "chip", FakeCloud(identity, PLATFORM_KEY), identity, START)
    bench.begin()
    for lang in Lang:
        answer = confirm(bench, "--lang", lang.value)
        assert answer.exit_code == 0
        assert len(answer.output.splitlines()) == 1
    assert not (bench.directory / ORDER.name).exists()
    bench.kill()


def test_a_word_given_while_the_chip_is_stopped_waits_for_the_meter(bench):
    """The line may have been at fault: what was stored before the stop proves nothing."""
    believed_wh = quarantine_in(state_of(bench)).before.registers_wh[:2]
    bench.kill()
    assert confirm(bench, "--yes").exit_code == 0
    bench.meter = BenchMeter(bench.clock.at)
    bench.meter.base_wh = believed_wh
    bench.clock.at += timedelta(minutes=1)
    bench.start()
    bench.run(8)
    assert NoticeKind.INDEX_BEGAN_ANEW not in notice_kinds(bench)
    assert quarantine_in(state_of(bench)) is None
    assert not (bench.directory / ORDER.name).exists()
