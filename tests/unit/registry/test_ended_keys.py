"""A key that has ended is destroyed once chips have metered since, whatever this clock shows."""

from datetime import UTC, datetime, time, timedelta

import pytest
from click.testing import CliRunner

from cloud.commands import renew as command
from cloud.registry.authority import ROLE_VALIDITY
from cloud.registry.key_files import load_platform_key, load_trusted, public_bytes
from cloud.registry.passed_days import METERED_DAYS_MIN
from cloud.registry.pki import issue_role
from cloud.registry.roll_over import destroy_ended, roll_over_platform, roll_over_root
from cloud.store.sqlite.store import SqliteStore
from protocol.calendar import legal_day
from protocol.errors import ConfigError
from tests.support.broker import make_cloud
from tests.support.fake_chip import FakeChip
from tests.unit.cloud.store_contract import block_item, epoch_item, put
from volet.main import volet

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


class Town:
    """A collectivity that has replaced its platform key, and one chip's blocks."""

    def __init__(self, folder):
        self.cloud = folder / "cloud"
        make_cloud(self.cloud)
        self.old = public_bytes(load_platform_key(self.cloud))
        _, self.end = roll_over_platform(self.cloud, self.cloud / "root", NOW)
        self.store = SqliteStore.open(self.cloud)
        self._chip, self._blocks = FakeChip(), 0
        self.store.enrol(self._chip.enrolment)

    def meter(self, first, days):
        for n in range(days):
            self._blocks += 1
            day = first + n * DAY
            put(self.store, epoch_item(self._chip, day), block_item(self._chip, self._blocks, day))

    def destroy(self, after):
        return destroy_ended(self.cloud, self.store, NOW + after)


def at(now):
    """Return `datetime` on a machine whose clock shows `now`, a time or a day."""
    shown = now if isinstance(now, datetime) else datetime.combine(now, time(12), UTC)

    class Shown(datetime):
        @classmethod
        def now(cls, tz=None):
            del tz
            return shown

    return Shown


@pytest.fixture
def town(tmp_path):
    made = Town(tmp_path)
    yield made
    made.store.close()


def test_a_clock_that_is_ahead_for_a_moment_destroys_nothing(town):
    town.meter(legal_day(NOW) - 40 * DAY, 40)
    ended = town.destroy(45 * DAY)
    assert (ended.destroyed, ended.kept) == ((), ("platform.key",))
    assert public_bytes(load_platform_key(town.cloud, NOW)) == town.old


@pytest.mark.parametrize(("days", "is_destroyed"), [(6, False), (7, True)])
def test_a_week_metered_since_its_end_shows_that_it_has_come(town, days, is_destroyed):
    assert METERED_DAYS_MIN == 7
    town.meter(town.end - 20 * DAY, 20)  # before its end, which shows nothing
    town.meter(town.end, days)
    ended = town.destroy(45 * DAY)
    assert (ended.destroyed == ("platform.key",)) == is_destroyed
    assert (town.cloud / "platform.key").exists() != is_destroyed


def test_a_key_that_has_not_ended_is_neither_destroyed_nor_named(town):
    town.meter(town.end, 30)
    ended = town.destroy(3 * DAY)
    assert (ended.destroyed, ended.kept) == ((), ())


def test_the_command_names_what_it_keeps_and_what_it_destroys(town, monkeypatch):
    monkeypatch.setattr(command, "datetime", at(NOW + 45 * DAY))
    arguments = ["cloud", "renew", "--dir", str(town.cloud)]
    kept = CliRunner().invoke(volet, arguments, catch_exceptions=False)
    assert "kept until chips have metered 7 days since: platform.key." in kept.output
    town.meter(town.end, 7)
    gone = CliRunner().invoke(volet, arguments, catch_exceptions=False)
    assert "Destroyed, as they have ended: platform.key." in gone.output
    with pytest.raises(ConfigError, match=r"platform\.key is missing"):
        load_platform_key(town.cloud, NOW)


@pytest.mark.parametrize(("days", "is_dropped"), [(6, False), (7, True)])
def test_a_replaced_root_is_trusted_until_all_that_it_signed_has_ended(
    town, tmp_path, monkeypatch, days, is_dropped
):
    """A broker needs it for certificates of before; by itself it lets nobody in."""
    roll_over_root(town.cloud, town.cloud / "root", tmp_path / "next", NOW)
    both = load_trusted(town.cloud)
    end = legal_day(NOW + ROLE_VALIDITY) + DAY
    town.meter(end, days)
    for after in (end - DAY, end + days * DAY):
        monkeypatch.setattr(command, "datetime", at(after))
        arguments = ["cloud", "renew", "--dir", str(town.cloud)]
        said = CliRunner().invoke(volet, arguments, catch_exceptions=False).output
        is_over = after > end and is_dropped
        assert load_trusted(town.cloud) == (both[:1] if is_over else both)
        assert ("The replaced root is trusted no more" in said) == is_over
    issue_role(town.cloud, "monitor-ops", NOW)
