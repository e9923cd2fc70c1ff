"""Another meter on the line need not wait for a day: a person says that it is theirs now."""

import stat
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from edge.chip.confirming import ORDER, Confirmation
from edge.chip.settings import ChipSettings
from edge.metering.events import DayClosed, NoticeKind
from edge.metering.other_meter import OtherTime
from edge.metering.timekeeping import Source, Timekeeping
from edge.metering.unconfirmed import replacement_in
from edge.status.advice_words import ADVICE
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
from tests.unit.metering.test_other_meter import MINUTE, OTHER, STARTS, Run

START = instant(2026, 5, 5, 10)
NEW = "041961234568"
SECOND = timedelta(seconds=1)


@pytest.fixture
def bench(tmp_path):
    """A chip whose line shows another meter than the one it has followed."""
    directory, identity = tmp_path / "chip", make_identity()
    settings = ChipSettings(
        outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64),
        confirmation=Confirmation(directory),
    )
    bench = Bench(directory, FakeCloud(identity, PLATFORM_KEY), identity, START, settings=settings)
    bench.begin()
    bench.run(8)
    plug_in(bench, BenchMeter(bench.clock.at, 5, NEW))
    yield bench
    bench.kill()


def plug_in(bench, meter):
    """Let a meter be read twice within a second, then for two hours."""
    bench.meter = meter
    bench.clock.at += SECOND
    bench.chip.observe(meter.frame(bench.clock.at), bench.clock.host_time())
    bench.clock.at -= SECOND
    bench.run(8)


def test_the_advice_names_the_command(bench):
    assert advise_on_unconfirmed(state_of(bench)) == [Advice.OTHER_METER]
    assert all("`volet edge confirm`" in words[Advice.OTHER_METER] for words in ADVICE.values())


def test_the_command_shows_both_meters_and_what_confirming_means(bench):
    shown = confirm(bench, "--lang", "en", answer="n\n")
    assert shown.exit_code == 1
    head, *rows = shown.output.splitlines()
    assert SERIAL in head
    assert NEW in head
    assert [row.split()[0] for row in rows if row.endswith(" kWh")][:3] == [
        "EAST",
        "EASF01",
        "EASF02",
    ]
    assert "billed to nobody" in shown.output
    assert not (bench.directory / ORDER.name).exists()
    french = confirm(bench, "--lang", "fr", answer="n\n").output
    assert "n'est facturé à personne" in french
    assert NEW in french


def test_the_running_chip_follows_the_confirmed_meter_from_its_first_reading(bench):
    found = replacement_in(state_of(bench))
    assert confirm(bench, "--yes").exit_code == 0
    assert stat.S_IMODE((bench.directory / ORDER.name).stat().st_mode) == 0o600
    with capture_logs() as logs:
        bench.run(3)
    assert [each["event"] for each in logs if "confirmed" in each["event"]] == ["meter_confirmed"]
    assert NEW not in str(logs)
    kinds = [kind for kind in notice_kinds(bench) if kind is not NoticeKind.GAP]
    assert kinds == [NoticeKind.OTHER_METER, NoticeKind.METER_REPLACED]
    assert advise_on_unconfirmed(state_of(bench)) == []
    assert not (bench.directory / ORDER.name).exists()
    bench.run(96)
    day = found.now.at.date()
    (closed,) = [closed for closed, _ in bench.vault.values.days(day, bench.clock.at.date())]
    assert [part.meter_serial for part in closed.parts] == [SERIAL, NEW]
    new = closed.parts[1]
    for n, first_wh in enumerate(found.now.registers_wh):
        assert new.register_index_kwh[n] - new.register_steps_kwh[n] == first_wh // 1_000


def test_a_chip_that_is_started_later_takes_it_too(bench):
    bench.kill()
    assert "volet edge run" in confirm(bench, "--yes", "--lang", "en").output
    bench.clock.at += timedelta(minutes=1)
    bench.start()
    assert NoticeKind.METER_REPLACED in notice_kinds(bench)
    assert bench.vault.values.state().account.last.serial == NEW


def test_a_word_for_one_visit_is_none_for_the_next(bench):
    new = bench.meter
    assert confirm(bench, "--yes").exit_code == 0
    word = (bench.directory / ORDER.name).read_bytes()
    (bench.directory / ORDER.name).unlink()
    plug_in(bench, BenchMeter(START))
    plug_in(bench, new)
    (bench.directory / ORDER.name).write_bytes(word)
    (bench.directory / ORDER.name).chmod(0o600)
    bench.run(2)
    assert NoticeKind.METER_REPLACED not in notice_kinds(bench)
    assert not (bench.directory / ORDER.name).exists()


def test_a_meter_that_has_gone_takes_the_word_along(bench):
    bench.kill()
    assert confirm(bench, "--yes").exit_code == 0
    (bench.directory / ORDER.name).rename(bench.directory / "kept")
    bench.meter = BenchMeter(START)
    bench.clock.at += MINUTE
    bench.start()
    assert NoticeKind.OTHER_METER_DROPPED in notice_kinds(bench)
    (bench.directory / "kept").rename(bench.directory / ORDER.name)
    bench.run(1)
    assert not (bench.directory / ORDER.name).exists()
    assert bench.vault.values.state().account.last.serial == SERIAL


def test_a_chip_that_lost_its_store_says_that_it_does_not_know_its_meters_number(bench):
    plug_in(bench, BenchMeter(START))
    bench.run(96)
    bench.settle()
    bench.kill()
    for path in bench.directory.iterdir():
        path.unlink()
    bench.meter = BenchMeter(bench.clock.at, 5, NEW)
    bench.start()
    bench.settle()
    plug_in(bench, bench.meter)
    shown = confirm(bench, "--lang", "en", answer="y\n").output
    assert shown.startswith("This chip, which has lost its store")
    assert NEW in shown
    assert "?" not in shown.splitlines()[0]
    bench.run(2)
    assert bench.vault.values.state().account.last.serial == NEW


def test_days_that_close_with_the_word_are_not_read_at_their_end_where_clocks_differ_for_good():
    run = Run(STARTS[2])
    run.show(OTHER, timedelta(hours=20))
    state = run.meter.state
    run.meter._state = type(state)(
        account=state.account,
        other=state.other,
        other_time=OtherTime(OTHER, Timekeeping(lasting=Source.METER)),
    )
    days = [each for each in run.meter.confirm_meter() if isinstance(each, DayClosed)]
    assert days
    assert not any(each.is_index_read for each in days)


def test_a_word_given_while_the_chip_is_stopped_is_none_once_the_own_meter_is_back(bench):
    own = BenchMeter(bench.clock.at)
    own.base_wh = replacement_in(state_of(bench)).before.registers_wh[:2]
    bench.kill()
    assert confirm(bench, "--yes").exit_code == 0
    bench.meter = own
    bench.clock.at += timedelta(minutes=1)
    bench.start()
    bench.run(8)
    assert NoticeKind.METER_REPLACED not in notice_kinds(bench)
    assert replacement_in(state_of(bench)) is None
    assert not (bench.directory / ORDER.name).exists()
