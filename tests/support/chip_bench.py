"""A household on the bench: a meter to advance, chips to kill, and a wire that loses messages."""

import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.chip.chip import Chip, ChipSettings
from edge.identity.enrolment import Identity, signer_of
from edge.mqtt.message import Arrived, Connected, Disconnected, Publish, Published
from edge.mqtt.outbox import OutboxSettings
from edge.simulate.host import host_time_at
from edge.tic.frame import ClosedBy, Frame, InformationGroup, Mode, OpenedBy
from edge.vault.keyring import Keyring
from edge.vault.vault import Vault
from protocol.calendar import QUARTER_HOUR, quarter_hour
from protocol.ids import new_device_id
from protocol.keys import HouseholdSecret
from protocol.messages import Block
from protocol.topics import Kind, parse_device_topic
from system.clock import HostTime

SERIAL = "041961234567"
METER_SALT = bytes(range(32))
CALENDAR = "H PLEINE/CREUSE"
# The first frame confirms the second, and the second the third.
FRAMES_AT_START = 3
_HOUSEHOLD = HouseholdSecret.generate()
_KEYRING = Keyring(_HOUSEHOLD)
_PLATFORM_KEY = Ed25519PrivateKey.generate()


def make_identity() -> Identity:
    """Make an enrolled chip's identity; all share one household's keys."""
    return Identity(
        device=new_device_id(),
        collectivity="ville",
        signing_key=Ed25519PrivateKey.generate(),
        household=_HOUSEHOLD,
        keyring=_KEYRING,
        meter_salt=METER_SALT,
        platform_key=_PLATFORM_KEY.public_key(),
        tls_key_path=Path(),
        certificate_path=Path(),
        ca_path=Path(),
        broker_host="localhost",
        broker_port=8883,
    )


PLATFORM_KEY = _PLATFORM_KEY


class BenchClock:
    """A clock that tests set."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.seconds

    def host_time(self) -> HostTime:
        return host_time_at(self.at)


class BenchMeter:
    """A meter in standard mode with quarter-hours that are known in advance."""

    def __init__(self, start: datetime, seed: int = 0, serial: str = SERIAL) -> None:
        self.start = start
        self.serial = serial
        self._random = random.Random(seed)
        self._energies_wh: list[int] = []
        self.base_wh = (1_234_567, 7_654_321)

    def energy_wh(self, number: int) -> int:
        while len(self._energies_wh) <= number:
            self._energies_wh.append(self._random.choice((0, 7, 250, 1_111, 8_999)))
        return self._energies_wh[number]

    def registers_wh(self, at: datetime) -> tuple[int, int]:
        """Return both registers; they count four quarter-hours each in turn."""
        count = (at - self.start) // QUARTER_HOUR
        counted = list(self.base_wh)
        for n in range(count):
            counted[n // 4 % 2] += self.energy_wh(n)
        return counted[0], counted[1]

    def frame(self, at: datetime) -> Frame:
        low_wh, high_wh = self.registers_wh(at)
        groups = {
            "ADSC": InformationGroup(self.serial),
            "DATE": InformationGroup("", "H000000000000", at),
            "NGTF": InformationGroup(f"{CALENDAR:^16}"),
            "EAST": InformationGroup(f"{low_wh + high_wh:09}"),
            "EASF01": InformationGroup(f"{low_wh:09}"),
            "EASF02": InformationGroup(f"{high_wh:09}"),
            **{f"EASF{n:02}": InformationGroup("000000000") for n in range(3, 11)},
        }
        return Frame(
            mode=Mode.STANDARD,
            start=0,
            end=0,
            opened_by=OpenedBy.STX,
            closed_by=ClosedBy.ETX,
            groups=groups,
            is_complete=True,
        )


class Bench:
    """One household, one cloud, and the current chip.

    `drop(publish or message) -> bool` decides what the wire loses, `forget(publish)` what the
    broker loses after acknowledging it, and `retained(topic, now)` returns what the broker retains
    on a topic beside the chip's own. Unless `may_fail`, no handler may be set aside.
    """

    def __init__(
        self,
        directory: Path,
        cloud,
        identity: Identity,
        start: datetime,
        *,
        is_quarter_hourly: bool = False,
        settings: ChipSettings | None = None,
    ) -> None:
        self.directory = directory
        self.cloud = cloud
        self.identity = identity
        self.clock = BenchClock(start)
        self.meter = BenchMeter(start)
        self.is_quarter_hourly = is_quarter_hourly
        self.settings = settings or ChipSettings(
            outbox=OutboxSettings(backlog_per_s=1_000.0, backlog_window=64)
        )
        self.drop = lambda _: False
        self.forget = lambda _: False
        self.retained = getattr(cloud, "retained", lambda _topic, _now: None)
        self.carried: dict[tuple[bytes, int, int], int] = {}
        self.sent: list[Publish] = []
        self.statuses: list[bytes] = []
        self.chip: Chip | None = None
        self.vault: Vault | None = None
        self.is_online = True
        self.may_fail = False
        self._listened = frozenset()
        directory.mkdir(exist_ok=True)

    def start(self) -> None:
        """Start a process on the directory; the meter sends it the first frames, a second apart."""
        self.vault = Vault.open(
            self.directory,
            signer_of(self.identity),
            is_quarter_hourly=self.is_quarter_hourly,
        )
        self.chip = Chip(self.identity, self.vault, self.clock, self.settings)
        for second in range(FRAMES_AT_START):
            at = self.clock.at + timedelta(seconds=second)
            self.chip.observe(self.meter.frame(at), host_time_at(at))
        self._listened = frozenset()
        if self.is_online:
            self.chip.take(Connected())

    def kill(self) -> None:
        """End the process without warning."""
        if self.vault is not None:
            self.vault.close()
        self.chip = self.vault = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def connect(self, *, is_online: bool) -> None:
        """Connect or disconnect the network."""
        self.is_online = is_online
        self._listened = frozenset()
        self.chip.take(Connected() if is_online else Disconnected())

    def tick(self) -> None:
        """Let a quarter-hour pass and the meter send a frame."""
        self.clock.at += QUARTER_HOUR
        self.clock.seconds += 900
        self.chip.observe(self.meter.frame(self.clock.at), self.clock.host_time())

    def begin(self) -> None:
        """Start the chip and carry its first messages."""
        self.start()
        self.pump()

    def run(self, quarter_hours: int, *, with_pump: bool = True) -> None:
        """Let quarter-hours pass while messages are carried."""
        for _ in range(quarter_hours):
            self.tick()
            if with_pump:
                self.pump()

    def pump(self, rounds: int = 40) -> None:
        """Carry messages both ways until none are left."""
        for _ in range(rounds):
            outgoing = self.chip.outgoing()
            has_heard = self._listen()
            assert self.may_fail or not self.chip.set_aside, self.chip.set_aside
            if not outgoing and not has_heard:
                return
            for publish in outgoing:
                self._watch(publish)
                if self.drop(publish):
                    continue
                self.chip.take(Published(publish, has_subscribers=True))
                if self.forget(publish):
                    continue
                for message in self.cloud.take(publish):
                    if not self.drop(message):
                        self.chip.take(message)

    def _listen(self) -> bool:
        """Send what the broker retains on topics to which the chip now subscribes, if anything."""
        if not self.is_online:
            return False
        topics = self.chip.topics()
        new, self._listened = topics - self._listened, topics
        retained = [(topic, self.retained(topic, self.clock.at)) for topic in sorted(new)]
        heard = [Arrived(*each) for each in retained if each[1] is not None]
        for message in heard:
            self.chip.take(message)
        return bool(heard)

    def settle(self, steps: int = 240) -> None:
        """Let minutes pass without frames until the cloud has everything.

        Four hours exceed the longest pauses: 75 minutes for a message that was sent in vain all
        day, then half an hour before the chip asks again.
        """
        for _ in range(steps):
            self.pump()
            if self.chip.is_drained:
                return
            self.clock.seconds += 61
        raise AssertionError("the outbox does not drain")

    def image(self, to: Path) -> None:
        """Copy the card."""
        if to.exists():
            shutil.rmtree(to)
        shutil.copytree(self.directory, to)

    def restore(self, image: Path) -> None:
        """Restore a copy of the card; the running process ends."""
        self.kill()
        shutil.rmtree(self.directory)
        shutil.copytree(image, self.directory)

    def expected(self) -> dict:
        """Return the energy of every quarter-hour since the start, by (day, j)."""
        count = (self.clock.at - self.meter.start) // QUARTER_HOUR
        return {
            quarter_hour(self.meter.start + n * QUARTER_HOUR): self.meter.energy_wh(n)
            for n in range(count)
        }

    def _watch(self, publish: Publish) -> None:
        """Check for every block that leaves that a coefficient never carries two values."""
        self.sent.append(publish)
        kind = parse_device_topic(publish.topic).kind
        if kind is Kind.STATUS:
            self.statuses.append(publish.payload)
        if kind is not Kind.BLOCK:
            return
        block = msgspec.msgpack.decode(msgspec.msgpack.decode(publish.payload)[1], type=Block)
        for j, value in enumerate(block.values().tolist(), block.j0):
            key = block.incarnation, block.day, j
            assert self.carried.setdefault(key, value) == value, "a coefficient has two values"


def instant(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)
