"""Certificates that end while chips run, or while they are away: real broker, worker, API, chips."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud.registry.broker import refresh_broker
from cloud.registry.revocation import revoke_everywhere
from cloud.registry.roll_over import roll_over_issuer
from cloud.store.sqlite.store import SqliteStore
from edge.renewal.certificates import NEXT
from tests.support.broker import Broker, free_ports, make_cloud, wait_until
from tests.support.rolling_town import RollingChip, api, worker

pytestmark = pytest.mark.usefixtures("mosquitto_available")

DAY = timedelta(days=1)
# Past two thirds of its lifetime, so that it is due whatever moment was drawn.
DUE = {"begun": 80 * DAY, "lasts": 100 * DAY}
ENDED = {"begun": 14 * 30 * DAY, "lasts": 100 * DAY}


@pytest.fixture
def town(tmp_path):
    port = free_ports(1)[0]
    make_cloud(tmp_path / "cloud", api_port=port)
    broker = Broker(tmp_path / "cloud")
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def chip(town, tmp_path):
    chip = RollingChip(town, tmp_path / "chip")
    yield chip
    chip.stop()


def has_renewed(chip, old):
    return chip.certificate() != old and not (chip.directory / NEXT).exists()


def live(town, chip):
    """Let a chip have a session and the key list; return how many quarter-hours it has metered."""
    with worker(town):
        chip.start()
        chip.meter()
        wait_until(lambda: "key_list_taken" in chip.log, chip.log)
        metered = chip.wait_until_stored()
        chip.stop()
    return metered


def come_back(town, chip, old, metered):
    """Let the broker have the keys of now, and the chip come back by itself."""
    refresh_broker(town.cloud, town.directory)
    town.restart()
    with worker(town), api(town):
        chip.start()
        chip.meter()
        wait_until(lambda: has_renewed(chip, old), f"another certificate\n{chip.log}")
        chip.wait_until_stored(metered)


def test_a_certificate_is_renewed_over_the_session(town, chip):
    old = chip.age(**DUE)
    with worker(town):
        chip.start()
        chip.meter()
        wait_until(lambda: has_renewed(chip, old), f"another certificate\n{chip.log}")
        metered = chip.wait_until_stored()
        chip.meter()
        chip.wait_until_stored(metered)
    new = chip.certificate()
    assert new.public_key() == old.public_key()
    assert new.not_valid_after_utc > datetime.now(UTC) + 99 * DAY


def test_one_that_ends_during_the_session_is_renewed_over_the_same_session(town, chip):
    """The broker checks a certificate once; so the session outlives it, until the worker is back."""
    with worker(town):
        pass  # it has a session, in which the broker keeps what comes
    old = chip.age(begun=80 * DAY, lasts=80 * DAY + timedelta(seconds=6))
    chip.start()
    wait_until(lambda: "session_began" in chip.log, chip.log)
    wait_until(lambda: datetime.now(UTC) > old.not_valid_after_utc, "its end")
    with worker(town):
        wait_until(lambda: has_renewed(chip, old), f"another certificate\n{chip.log}")
        chip.meter()
        chip.wait_until_stored()


def test_a_chip_dark_for_fourteen_months_comes_back_without_a_visit(town, chip):
    """It has the key list of when it went; the city has replaced its issuer since."""
    metered = live(town, chip)
    old = chip.age(**ENDED)
    roll_over_issuer(town.cloud, town.cloud / "root", datetime.now(UTC))
    come_back(town, chip, old, metered)


def test_a_revoked_chip_that_was_dark_stays_out(town, chip):
    old = chip.age(**ENDED)
    store = SqliteStore.open(town.cloud, is_checked=False)
    revoke_everywhere(town.cloud, store, chip.identity.device, town.directory, datetime.now(UTC))
    store.close()
    with worker(town), api(town):
        chip.start()
        wait_until(lambda: "certificate_not_given" in chip.log, chip.log)
    assert chip.certificate() == old


def test_a_chip_killed_with_the_next_certificate_shows_it_at_its_next_start(town, chip):
    (chip.directory / "edge.toml").write_text("metering.is_simulated = true\n")  # a day to wait
    old = chip.age(**DUE)
    with worker(town):
        chip.start()
        wait_until(lambda: "next_certificate_kept" in chip.log, chip.log)
        assert chip.certificate() == old
        chip.stop()
        chip.start()
        wait_until(lambda: has_renewed(chip, old), chip.log)


def test_a_next_certificate_that_the_broker_refuses_is_dropped_and_the_last_one_shown(town, chip):
    old = chip.age(begun=DAY, lasts=100 * DAY)
    good = (chip.directory / "device.pem").read_bytes()
    chip.age(**ENDED)
    (chip.directory / "device.pem").rename(chip.directory / NEXT)
    (chip.directory / "device.pem").write_bytes(good)
    with worker(town):
        chip.start()
        wait_until(lambda: "session_began" in chip.log, chip.log)
    assert chip.certificate() == old
    assert not (chip.directory / NEXT).exists()


@pytest.mark.long
def test_a_chip_of_a_withdrawn_issuer_gets_another_certificate_by_itself(town, chip):
    metered = live(town, chip)
    old = chip.certificate()
    roll_over_issuer(town.cloud, town.cloud / "root", datetime.now(UTC), withdraws=True)
    come_back(town, chip, old, metered)
