"""What a chip does about the status that its broker shows for it."""

from datetime import timedelta

import msgspec
import pytest

from edge.mqtt.message import Arrived, Connected, Disconnected
from edge.simulate.host import host_time_at
from edge.status import reporter
from edge.status.presence import StatusFile
from edge.status.reporter import StatusOptions
from edge.status.schedule import DELAY_S, MESSAGES_A_DAY
from protocol.errors import Reason
from protocol.status import State, Status, decode_status, encode_status
from protocol.topics import Kind, device_topic
from tests.support.chip_bench import PLATFORM_KEY, Bench, ChipSettings, instant, make_identity
from tests.support.chip_cloud import FakeCloud

START = instant(2026, 5, 5, 10)
LATE_MIN = int(DELAY_S[1] / 60) + 1


class Home(Bench):
    """A chip whose broker shows what it is told, as mosquitto does."""

    shown = b""

    def minutes(self, count):
        """Let minutes pass, each with a frame."""
        for _ in range(count):
            self.clock.at += timedelta(minutes=1)
            self.clock.seconds += 60
            self.chip.observe(self.meter.frame(self.clock.at), host_time_at(self.clock.at))
            self.pump()

    def pump(self, rounds=40):
        before = len(self.statuses)
        super().pump(rounds)
        if self.statuses[before:]:
            self.shown = self.statuses[-1]

    def connect_again(self, *, is_resumed=True):
        """End the connection and begin one; the broker sends what it shows before its SUBACK."""
        self.chip.take(Disconnected())
        self.begin_session(is_resumed=is_resumed)

    def begin_session(self, *, is_resumed=True):
        topic = device_topic(self.identity.collectivity, self.identity.device, Kind.STATUS)
        self.chip.take(Arrived(topic, self.shown))
        self.chip.take(Connected(is_resumed=is_resumed))

    def lose(self):
        """Let the broker publish the will."""
        self.shown = encode_status(Status(state=State.LOST))

    @property
    def states(self):
        return [decode_status(payload).state for payload in self.statuses]


@pytest.fixture
def home(tmp_path):
    identity = make_identity()
    directory = tmp_path / "chip"
    settings = ChipSettings(status=StatusOptions(StatusFile(directory)))
    cloud = FakeCloud(identity, PLATFORM_KEY)
    home = Home(directory, cloud, identity, START, settings=settings)
    home.begin()
    home.minutes(2 * LATE_MIN)
    assert home.states == [State.READY]
    yield home
    home.kill()


def test_a_chip_whose_broker_was_stopped_says_at_once_what_it_said(home):
    home.lose()
    home.connect_again()
    home.minutes(1)
    assert home.states == [State.READY] * 2
    home.minutes(2 * LATE_MIN)
    assert len(home.states) == 2


def test_it_does_not_say_what_happened_meanwhile(home):
    home.chip.finish(home.clock.host_time())
    home.clock.seconds += 60
    home.lose()
    home.connect_again()
    home.statuses.clear()
    home.pump()
    assert home.states == [State.READY]


def test_a_cut_that_the_broker_told_nobody_stays_so(home):
    for _ in range(12 * 60):
        home.connect_again()
        home.minutes(1)
    assert len(home.states) <= 2  # the daily one


@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_chip_that_starts_says_nothing_at_once(home, is_resumed):
    """Its power may have been cut, and a tripped main switch shows that somebody is at home."""
    home.lose()
    home.kill()
    home.is_online = False
    home.start()
    home.begin_session(is_resumed=is_resumed)
    home.is_online = True
    home.minutes(int(DELAY_S[0] / 60) - 1)
    assert home.states == [State.READY]
    home.minutes(LATE_MIN)
    assert home.states == [State.READY] * 2


def test_a_home_that_was_away_for_long_says_nothing_at_once(home):
    home.lose()
    home.connect_again(is_resumed=False)
    home.minutes(int(DELAY_S[0] / 60) - 1)
    assert home.states == [State.READY]
    home.minutes(LATE_MIN)
    assert home.states == [State.READY] * 2


def test_a_release_that_was_taken_back_is_told_late_and_once(tmp_path):
    """Nobody at home has done it, but the start that follows may be seen from the street."""
    identity, taken_back = make_identity(), []
    directory = tmp_path / "chip"
    options = StatusOptions(
        StatusFile(directory), rolled_back_from=lambda: next(iter(taken_back), None)
    )
    cloud = FakeCloud(identity, PLATFORM_KEY)
    home = Home(directory, cloud, identity, START, settings=ChipSettings(status=options))
    home.begin()
    home.minutes(2 * LATE_MIN)
    home.kill()
    taken_back.append("0.3.0")
    home.start()
    home.begin_session()
    home.minutes(int(DELAY_S[0] / 60) - 1)
    assert len(home.statuses) == 1
    home.minutes(LATE_MIN)
    told = [decode_status(payload).software_rolled_back_from for payload in home.statuses]
    assert told == [None, "0.3.0"]
    home.minutes(2 * LATE_MIN)
    assert len(home.statuses) == 2
    home.kill()


@pytest.mark.parametrize(("to", "told"), [("0.2.0", "0.3.0-" + "x" * 26), ("0.1.0", None)])
def test_what_was_taken_back_to_this_release_is_known(tmp_path, monkeypatch, to, told):
    """Not what was taken back to another one; and no more of its name than a status holds."""
    monkeypatch.setattr("edge.status.software.PREFIX", tmp_path / "releases/0.2.0/venv")
    back = {"version": "0.3.0-" + "x" * 40, "to": to, "at": START}
    (tmp_path / "state.json").write_bytes(msgspec.json.encode({"taken_back": back}))
    assert reporter._rolled_back_from() == told


def test_an_older_status_of_a_broker_that_was_killed_is_replaced(home):
    home.shown = encode_status(Status(state=State.INIT))
    home.connect_again()
    home.minutes(int(DELAY_S[0] / 60) - 1)
    assert home.states == [State.READY]
    home.minutes(LATE_MIN)
    assert home.states == [State.READY] * 2


def test_a_killed_broker_that_forgot_the_session_but_not_the_status_gets_none(home):
    home.connect_again(is_resumed=False)
    home.minutes(2 * LATE_MIN)
    assert home.states == [State.READY]


def test_a_broker_that_is_stopped_every_ten_minutes_gets_the_days_messages(home):
    for _ in range(60):
        home.lose()
        home.connect_again()
        home.minutes(10)
    assert len(home.states) == MESSAGES_A_DAY


@pytest.mark.parametrize("shown", [b"", b"{}", b"\xff" * 40, b"x" * 2_000])
def test_what_is_no_status_is_counted_and_costs_nothing(home, shown):
    home.shown = shown
    home.connect_again()
    home.minutes(LATE_MIN)
    assert home.states == [State.READY]
    reasons = {b"": {}, b"x" * 2_000: {Reason.OVERSIZE: 1}}
    assert home.chip.refused == reasons.get(shown, {Reason.MALFORMED: 1})
