"""The running chip and its household's own broker, a real mosquitto and worse ones."""

import json
import signal
from contextlib import contextmanager
from datetime import timedelta

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.home.choice import CHOICE, HomeChoice
from edge.home.record import FILE_NAME, read_record
from edge.home.settings import PASSWORD as PASSWORD_FILE
from edge.simulate.home import HomeSettings, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.tariff import MeterOption
from edge.vault.reader import read_vault
from protocol.calendar import QUARTER_HOUR, day_start
from protocol.errors import ConfigError, TransportError
from protocol.ids import HouseholdKeyId
from tests.support.broker import enrol_chip, make_cloud, running_broker, wait_until
from tests.support.chip_process import ChipProcess
from tests.support.chip_town import MONTH
from tests.support.home_broker import (
    PASSWORD,
    USER,
    HomeAuthority,
    HomeBroker,
    bad_broker,
    flood,
    refuse,
    say_nothing,
    take_and_never_read,
)
from tests.support.mqtt import Peer
from tests.support.sweeps import swept

QUARTERS = 40


@pytest.fixture
def home(tmp_path):
    return Household(tmp_path)


class Household:
    """An enrolled chip whose collectivity is away, and its meter."""

    def __init__(self, tmp_path):
        make_cloud(tmp_path / "cloud")
        self.directory = tmp_path / "chip"
        self.identity = enrol_chip(tmp_path / "cloud", self.directory)
        self.meter = build_home(
            synthetic_curve(3, MONTH, MONTH + timedelta(days=9)),
            HomeSettings(option=MeterOption.HPHC, seed=3),
        )
        self.at = day_start(MONTH)

    def choose(self, port, broker="127.0.0.1", **more):
        lines = [f"{key} = {json.dumps(value)}" for key, value in more.items()]
        table = ["[home]", f'broker = "{broker}"', f"port = {port}", *lines]
        (self.directory / "edge.toml").write_text("send_window_s = 0\n" + "\n".join(table) + "\n")
        CHOICE.leave(self.directory, HomeChoice(self.identity.household_key))

    @contextmanager
    def running(self):
        with ChipProcess(self.directory) as chip:
            self.chip = chip
            yield chip
            chip.end(signal.SIGTERM)

    def live(self, quarters=QUARTERS):
        """Let quarter-hours pass, and wait until the chip has stored them."""
        for _ in range(quarters):
            for second in (0, 2):
                self.chip.feed(self.meter.frame_at(self.at + timedelta(seconds=second)))
            self.at += QUARTER_HOUR
        wait_until(
            lambda: self.stored >= self.due, "quarter-hours in the vault", lambda: self.stored
        )

    @property
    def stored(self):
        try:
            with read_vault(self.directory) as vault:
                return vault.figures().intervals
        except ConfigError:
            return 0

    @property
    def due(self):
        return (self.at - day_start(MONTH)) // QUARTER_HOUR - 2

    def topic(self, name):
        return f"volet/{read_record(self.directory).id}/{name}"

    def command(self, *options):
        words = ["--lang", "en", "home", "--dir", str(self.directory), *options]
        return CliRunner().invoke(edge, words)


def test_a_home_is_told_and_forgets(home, tmp_path):
    with HomeBroker(tmp_path / "broker", has_password=True) as broker:
        home.choose(broker.port, user=USER)
        (home.directory / PASSWORD_FILE).write_text(PASSWORD + "\n")
        (home.directory / PASSWORD_FILE).chmod(0o600)
        with home.running():
            home.live()
            wait_until((home.directory / FILE_NAME).exists, "the home's ids")
            assert (home.directory / FILE_NAME).stat().st_mode & 0o777 == 0o600
            with observer(broker) as seen:
                assert seen.wait_for(home.topic("availability")) == b"online"
                config = f"homeassistant/device/volet_{read_record(home.directory).id}/config"
                assert json.loads(seen.wait_for(home.topic("health")))["problem"] in {True, False}

                def energy_wh():
                    home.live(1)
                    latest = dict(seen.fence())
                    return json.loads(latest.get(home.topic("meter"), b"{}")).get("energy")

                wait_until(lambda: energy_wh() is not None, "an energy", lambda: home.at)
                assert energy_wh() <= sum(home.meter.meter_at(home.at).registers_wh(home.at))
                assert "energy" in json.loads(dict(seen.fence())[config])["components"]
        with observer(broker) as seen:
            assert dict(seen.fence())[home.topic("availability")] == b"offline"
        shown = home.command()
        assert shown.exit_code == 0, shown.output
        assert config in shown.output
        assert json.loads(home.command("--json").output)["retained"]
        removed = home.command("--remove", "--yes")
        assert removed.exit_code == 0, removed.output
        with observer(broker) as seen:
            assert seen.fence() == []


def retained(broker):
    with observer(broker) as seen:
        return [topic for topic, payload in seen.fence() if payload]


def test_it_is_turned_on_and_taken_back_while_the_chip_runs(home, tmp_path):
    with HomeBroker(tmp_path / "broker") as broker:
        home.choose(broker.port)
        CHOICE.withdraw(home.directory)
        with home.running() as chip:
            home.live(4)
            assert not retained(broker), "nobody has said so"
            shown = home.command()
            assert "It is off, and nothing is told." in shown.output
            assert not json.loads(home.command("--json").output)["is_on"]
            turned = home.command("--on", "--yes")
            assert turned.exit_code == 0, turned.output
            wait_until(lambda: retained(broker), "the smart home to be told")
            assert json.loads(home.command("--json").output)["is_on"]
            home.live(4)
            removed = home.command("--remove", "--yes")
            assert removed.exit_code == 0, removed.output
            assert not retained(broker)
            home.live(8)
            assert not retained(broker), "it is told nothing more"
            assert chip.log.count("home_session_began") == 1
        with home.running() as chip:
            home.live(4)
            assert chip.log.count("home_session_began") == 1, "nor after a restart"
        assert not retained(broker)


def test_a_broker_that_is_away_is_asked_to_forget_once_it_is_back(home, tmp_path):
    with HomeBroker(tmp_path / "broker") as broker:
        home.choose(broker.port)
        with home.running():
            home.live(4)
            wait_until(lambda: retained(broker), "the smart home to be told")
            broker.hang()
            removed = home.command("--remove", "--yes")
            assert isinstance(removed.exception, TransportError)
            broker.go_on()
            home.live(4)
            assert read_record(home.directory).topics
            removed = home.command("--remove", "--yes")
            assert removed.exit_code == 0, removed.output
            assert not retained(broker)


def test_another_households_word_counts_for_nothing(home, tmp_path):
    with HomeBroker(tmp_path / "broker") as broker:
        home.choose(broker.port)
        CHOICE.leave(home.directory, HomeChoice(HouseholdKeyId(b"x" * 32)))
        with home.running() as chip:
            home.live(8)
            assert "home_session_began" not in chip.log
        assert not retained(broker)


def test_topics_at_another_broker_are_not_forgotten_in_passing(home, tmp_path):
    with HomeBroker(tmp_path / "broker") as broker, HomeBroker(tmp_path / "other") as other:
        home.choose(broker.port)
        with home.running():
            home.live(4)
            wait_until(lambda: retained(broker), "the smart home to be told")
        home.choose(other.port)
        refused = home.command("--remove", "--yes")
        assert isinstance(refused.exception, ConfigError)
        assert f"127.0.0.1:{broker.port}" in str(refused.exception)
        assert read_record(home.directory).topics
        home.choose(broker.port)
        assert home.command("--remove", "--yes").exit_code == 0
        assert not retained(broker)


@pytest.mark.parametrize("is_away", [False, True])
def test_an_erased_household_is_forgotten_or_its_topics_are_named(home, tmp_path, is_away):
    with HomeBroker(tmp_path / "broker") as broker:
        home.choose(broker.port)
        with home.running():
            home.live(4)
            wait_until(lambda: retained(broker), "the smart home to be told")
        topics = retained(broker)
        if is_away:
            broker.kill()
        words = ["--lang", "en", "erase", "--dir", str(home.directory), "--yes"]
        erased = CliRunner().invoke(edge, words)
        assert erased.exit_code == 0, erased.output
        assert not any((home.directory / name).exists() for name in (FILE_NAME, CHOICE.name))
        if is_away:
            assert "does not forget this household" in erased.output
            assert all(topic in erased.output for topic in topics)
        else:
            assert "does not forget" not in erased.output
            assert not retained(broker)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("right", ""),
        ("wrong authority", "unable to get local issuer certificate"),
        ("expired", "certificate has expired"),
        ("wrong name", "IP address mismatch"),
    ],
)
def test_tls_to_the_homes_own_broker(home, tmp_path, made, why):
    authority, other = HomeAuthority(tmp_path / "ours"), HomeAuthority(tmp_path / "others")
    name = "127.0.0.2" if made == "wrong name" else "127.0.0.1"
    lasts = timedelta(days=-1) if made == "expired" else timedelta(days=1)
    certified = authority.certify(name, lasts)
    trusted = other.path if made == "wrong authority" else authority.path
    with HomeBroker(tmp_path / "broker", tls=certified) as broker:
        home.choose(broker.port, ca=str(trusted))
        with home.running() as chip:
            home.live(4)
            if not why:
                wait_until(lambda: "home_session_began" in chip.log, "a session")
                home.live(4)
            else:
                wait_until(lambda: "home_broker_away" in chip.log, "the refusal")
                assert why in chip.log
                home.live(4)
                assert "home_session_began" not in chip.log
        removed = home.command("--remove", "--yes")
        if not why:
            assert removed.exit_code == 0, removed.output
            assert "has forgotten" in removed.output
        else:
            assert "volet-" not in (broker.directory / "log").read_text(), "nothing was said"


@contextmanager
def observer(broker):
    """Look at everything that the home's broker has, as another program of the home does."""
    # Peer has no password; this one looks from the broker's own machine.
    with Looker(broker.port, None) as seen:
        seen.subscribe("#")
        yield seen


class Looker(Peer):
    """A peer with the home's password."""

    def _connect(self, port, session_expiry_s, *, clean_start):
        self._client.username_pw_set(USER, PASSWORD)
        super()._connect(port, session_expiry_s, clean_start=clean_start)


def test_a_chip_that_is_killed_is_away(home, tmp_path):
    with HomeBroker(tmp_path / "broker") as broker:
        home.choose(broker.port)
        with ChipProcess(home.directory) as home.chip:
            home.live(4)
            with observer(broker) as seen:
                wait_until((home.directory / FILE_NAME).exists, "the home's ids")
                topic = home.topic("availability")
                wait_until(lambda: (topic, b"online") in seen.fence(), "the chip")
                home.chip.end(signal.SIGKILL)
                wait_until(lambda: (topic, b"offline") in seen.fence(), "the last will")


def test_a_broker_that_is_killed_and_hangs_costs_no_quarter_hour(home, tmp_path):
    with HomeBroker(tmp_path / "broker") as broker:
        home.choose(broker.port)
        with home.running() as chip:
            home.live(8)
            broker.hang()
            home.live()
            broker.go_on()
            broker.kill()
            home.live()
            broker.start()
            with observer(broker) as seen:
                topic = home.topic("availability")
                wait_until(lambda: (topic, b"online") in seen.fence(), "the chip to come back")
            home.live(4)
            assert "home_failed" not in chip.log


@pytest.mark.parametrize("behave", swept([flood, say_nothing, take_and_never_read, refuse], 4))
def test_a_bad_broker_costs_no_quarter_hour(home, behave):
    with bad_broker(behave) as port:
        home.choose(port)
        with home.running() as chip:
            home.live(4 * QUARTERS)
            if behave in {flood, refuse}:
                wait_until(lambda: "home_broker_away" in chip.log, "the chip to end it")
            home.live()
            assert "home_failed" not in chip.log


def test_a_broker_that_takes_nothing_costs_no_quarter_hour(home, tmp_path):
    with HomeBroker(tmp_path / "broker", is_full=True) as broker:
        home.choose(broker.port)
        with home.running():
            home.live(2 * QUARTERS)


def test_a_message_from_the_home_changes_nothing(home, tmp_path):
    with HomeBroker(tmp_path / "broker") as broker:
        home.choose(broker.port)
        with home.running():
            home.live(4)
            wait_until((home.directory / FILE_NAME).exists, "the home's ids")
            with observer(broker) as seen:
                before = (home.directory / "edge.toml").read_text()
                for topic in (home.topic("meter/set"), home.topic("meter"), "homeassistant/status"):
                    seen.publish(topic, b'{"energy": 1}')
                home.live(4)
                assert (home.directory / "edge.toml").read_text() == before
                # Nobody but the looker has subscribed to anything.
                log = (broker.directory / "log").read_text()
                assert f"volet-{read_record(home.directory).id} 0 " not in log


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_collectivitys_broker_is_told_nothing(home, name, tmp_path):
    with running_broker(tmp_path / "cloud") as city:
        home.choose(city.port, broker=name)
        with home.running() as chip:
            home.live(4)
            said = ("home_refused", "home_broker_away")
            wait_until(lambda: any(each in chip.log for each in said), "the refusal")
            assert "your collectivity's broker" in chip.log
            assert "home_session_began" not in chip.log
        assert "volet-" not in city.log


def test_a_house_without_a_broker_is_told_so(home):
    (home.directory / "edge.toml").write_text("send_window_s = 0\n")
    done = home.command("--show")
    assert isinstance(done.exception, ConfigError)
    assert "names no broker of your home" in str(done.exception)
