"""A town in which every part is a separate process, to be killed, set back and restarted."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from cloud.billing.progress import progress
from cloud.commands.directory import COLLECTIVITY
from cloud.registry.pki import issue_role
from cloud.store import RequestState
from cloud.store.sqlite.store import SqliteStore
from edge.bills.judgement import Judgement
from edge.bills.verifier import read_judgement
from edge.identity.enrolment import Identity
from edge.simulate.curve_files import load_curve, save_curve
from edge.simulate.home import SimulatedHome, build_home
from edge.simulate.household import synthetic_curve
from edge.vault.reader import VaultReader, read_vault
from edge.vault.rows import VaultFigures
from protocol.calendar import day_start, legal_day, month_of, quarter_hour
from protocol.errors import VoletError
from protocol.hpke import SealingKey
from provider import service as provider
from tests.support.backups import back_up, restore
from tests.support.broker import Broker, Took, enrol_chip, make_cloud, skip_without_mosquitto
from tests.support.broker import wait_until as wait
from tests.support.kill_clock import SharedClock
from tests.support.kill_fleet import METERING
from tests.support.kill_program import Program
from tests.support.mqtt import Peer, role_pass
from tests.support.provider_side import accept, own_contracts, request_statement
from volet.demo.town import KVA, demo_tariff, home_settings

RECORDER = "worker-recorder"
FLEET = "tests.support.kill_fleet"
SABOTAGE = "tests.support.kill_sabotage"
# Last month: it is over, and the cloud has not deleted it yet.
MONTH = month_of(month_of(legal_day(datetime.now(UTC))) - timedelta(days=1))
WARM_UP = timedelta(minutes=30)
SLOW = 12.0  # meters send, but few quarter-hours pass

CONFIG = """\
rhythm = "{rhythm}"
send_window_s = 0
[sending]
backlog_per_s = {backlog_per_s}
ack_timeout_s = 1.5
ack_timeout_max_s = 4
refused_pause_s = 2
whole_pause_s = 0.5
whole_pause_max_s = 2
"""
FAST = 400


@dataclass
class Household:
    """One home: its chip's directory, its keys and its meter."""

    directory: Path
    identity: Identity
    home: SimulatedHome

    def set_rhythm(self, rhythm: str, backlog_per_s: float = FAST) -> None:
        """Write the chip's settings with short timeouts and the given rate."""
        text = CONFIG.format(rhythm=rhythm, backlog_per_s=backlog_per_s)
        (self.directory / "edge.toml").write_text(text)

    @contextmanager
    def vault(self) -> Iterator[VaultReader]:
        """Read the chip's vault."""
        with read_vault(self.directory) as vault:
            yield vault

    def figures(self) -> VaultFigures | None:
        """Return the vault's figures, None while there is no readable vault."""
        with contextlib.suppress(VoletError), self.vault() as vault:
            return vault.figures()
        return None

    def has_metered(self, until: datetime) -> bool:
        """Return whether the quarter-hour that ends at `until` is closed."""
        figures = self.figures()
        last = quarter_hour(until - timedelta(minutes=15))
        return bool(figures and figures.last_quarter_hour and figures.last_quarter_hour >= last)

    def is_settled(self) -> bool:
        """Return whether everything is encrypted and acknowledged."""
        figures = self.figures()
        return bool(figures) and not (figures.outbox_depth or figures.intervals_to_encrypt)

    def judgements(self) -> list[Judgement]:
        """Return the chip's judgements of its statements."""
        with self.vault() as vault:
            return [judgement for row in vault.statements() if (judgement := read_judgement(row))]


class Recorder:
    """Receives every header and block at the broker, stored or refused, with a worker's rights."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._peer: Peer | None = None
        self._received: list[tuple[str, bytes]] = []

    def connect(self) -> None:
        """Connect and subscribe."""
        who = role_pass(self._broker.cloud, RECORDER)
        self._peer = Peer(self._broker.port, who.context())
        root = f"volet/v1/{self._broker.config.collectivity}/d/+"
        assert self._peer.subscribe(f"{root}/up/epoch") == 1
        assert self._peer.subscribe(f"{root}/up/block") == 1

    def lost(self) -> None:
        """Keep the messages received before the broker was killed."""
        if self._peer is not None:
            self._peer.wait_until_ended()
            self._keep()

    def messages(self) -> list[tuple[str, bytes]]:
        """Return (topic, payload) of everything that the broker has accepted so far."""
        if self._peer is not None:
            self._peer.fence()
        return self._received + (self._peer.received if self._peer else [])

    def close(self) -> None:
        """Keep the received messages and disconnect."""
        if self._peer is not None:
            self._keep()

    def _keep(self) -> None:
        assert self._peer is not None
        self._peer.close()
        while not self._peer._arrived.empty():
            self._peer.received.append(self._peer._arrived.get())
        self._received += self._peer.received
        self._peer = None


class Town:
    """All parties, and the operations on them."""

    def __init__(self, directory: Path, homes: int, days: int) -> None:
        """Create a town of `homes` chips that bills the first `days` days of `MONTH`."""
        self.directory = directory
        self.start, self.end = MONTH, MONTH + timedelta(days=days)
        self.cloud = directory / "cloud"
        make_cloud(self.cloud)
        issue_role(self.cloud, RECORDER, datetime.now(UTC))
        self.broker = Broker(self.cloud)
        self.broker_kills = 0
        self.recorder = Recorder(self.broker)
        self.tariff = msgspec.structs.replace(demo_tariff(MONTH), valid_from=MONTH, valid_to=None)
        provider.draw_key(directory / "provider")
        self.provider_key = provider.load_key(directory / "provider")
        self._offer = provider.make_offer([self.tariff], self.provider_key, SealingKey.generate())
        self.households = [self._enrol(seed) for seed in range(1, homes + 1)]
        self.clock = SharedClock(directory / "clock")
        self._stack = ExitStack()
        self.worker = self._program("worker", "volet.main", "cloud", "run", "--dir", self.cloud)
        self._store: SqliteStore | None = None

    def fleet(self, households: Sequence[Household], *broken: str) -> Program:
        """Return the program for these chips, not yet started.

        With `broken`, the name of a rule, the program violates that rule.
        """
        names = "-".join([household.directory.name for household in households] + list(broken))
        program = (SABOTAGE, *broken) if broken else (FLEET,)
        chips = [household.directory for household in households]
        return self._program(
            f"fleet-{names}", *program, "--clock", self.directory / "clock", *chips
        )

    def broken_worker(self, rule: str) -> Program:
        """Return a worker that violates a rule, not yet started."""
        return self._program(f"worker-{rule}", SABOTAGE, rule, "--dir", self.cloud)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run broker, recorder and worker, and stop all of the town at the end."""
        with self._stack as stack:
            self.broker.start()
            stack.callback(self.broker.kill)
            self.recorder.connect()
            stack.callback(self.recorder.close)
            self.worker.start()
            self._store = SqliteStore.open(self.cloud, is_checked=False)
            stack.callback(self._close_store)
            self.clock.start(day_start(self.start) - WARM_UP)
            yield

    @property
    def store(self) -> SqliteStore:
        """The cloud's store, for inspection."""
        assert self._store is not None
        return self._store

    def _close_store(self) -> None:
        self.store.close()

    # Operations.

    def start_metering(self, *fleets: Program) -> None:
        """Start chips and wait until they read their meters."""
        for fleet in fleets:
            fleet.start()
        self.await_metering(*fleets)

    def await_metering(self, *fleets: Program) -> None:
        """Wait until the started chips read their meters; time passes slowly meanwhile."""
        self.clock.run(SLOW)
        for fleet in fleets:
            wait(lambda program=fleet: program.count(METERING) > 0, f"chips\n{fleet.log}")

    def kill_broker(self) -> None:
        """Kill the broker."""
        self.broker.kill()
        self.recorder.lost()
        self.broker_kills += 1

    def start_broker(self) -> None:
        """Start the broker on its saved data."""
        self.broker.start()
        self.recorder.connect()

    @property
    def broker_data(self) -> Path:
        """The directory of the broker's saved data."""
        return self.broker.directory / "data"

    def back_up_cloud(self) -> Path:
        """Back up the collectivity while its worker runs."""
        out = self.directory / "cloud.backup"
        back_up(self.cloud, out, COLLECTIVITY)
        return out

    def put_store_back(self, backup: Path) -> None:
        """Kill the worker, and restart it on the store of a backup."""
        self.worker.kill()
        self.store.close()
        for path in self.cloud.glob("store.db*"):
            path.unlink()
        restore(backup, self.cloud, COLLECTIVITY, database_only=True)
        self._store = SqliteStore.open(self.cloud, is_checked=False)
        self.worker.start()

    def play(self, households: Sequence[Household], until: datetime, speed: float) -> None:
        """Let time pass until all these chips have metered up to an instant, then slow it down."""
        self.clock.run(speed, until)
        self._wait(
            lambda: all(household.has_metered(until) for household in households),
            households,
            f"the chips to meter up to {until}",
        )
        self.clock.run(SLOW)

    def settle(self, households: Sequence[Household]) -> None:
        """Wait until the cloud has acknowledged everything of these chips; time passes slowly."""
        self._wait(
            lambda: all(household.is_settled() for household in households),
            households,
            "all outboxes to drain",
        )

    def bill(self, households: Sequence[Household]) -> None:
        """Request these households' statements, and wait until their chips have seen them."""
        requests = {}
        for contract in own_contracts(self.store, self.provider_key):
            if contract.household_key in {home.identity.household_key for home in households}:
                accept(self.store, self.provider_key, contract.hash)
                requests[contract.household_key] = request_statement(
                    self.store, self.provider_key, contract.hash, self.start, self.end
                )
        assert len(requests) == len(households)
        self._wait(
            lambda: all(
                progress(self.store, request).state is RequestState.SEEN
                for request in requests.values()
            ),
            households,
            "the chips to see their statements",
        )

    def _wait(
        self, condition: Callable[[], bool], households: Sequence[Household], what: str
    ) -> None:
        try:
            wait(condition, what, lambda: [household.figures() for household in households])
        except pytest.fail.Exception as exc:
            states = "\n".join(f"{home.directory.name}: {home.figures()}" for home in households)
            logs = "\n".join(p.read_text()[-3000:] for p in sorted(self._logs.iterdir()))
            pytest.fail(f"{exc}\n{states}\n{logs}")

    @property
    def _logs(self) -> Path:
        logs = self.directory / "logs"
        logs.mkdir(exist_ok=True)
        return logs

    def _program(self, name: str, module: str, *arguments: str | Path) -> Program:
        command = [sys.executable, "-W", "error", "-m", module, *map(str, arguments)]
        program = Program(self._logs / f"{name}.log", command)
        self._stack.callback(program.close)
        return program

    def _enrol(self, seed: int) -> Household:
        directory = self.directory / "chips" / f"{seed:02}"
        directory.mkdir(parents=True, mode=0o700)
        path = directory / "curve.csv"
        first, last = self.start - timedelta(days=1), self.end + timedelta(days=45)
        save_curve(path, synthetic_curve(seed, first, last, KVA))
        home = build_home(load_curve(path), home_settings(seed))
        serial = home.meter_at(day_start(self.start)).profile.serial
        identity = enrol_chip(self.cloud, directory, Took(self._offer, serial, self.start))
        household = Household(directory, identity, home)
        household.set_rhythm("quarter_hourly")
        return household


@contextmanager
def running_town(directory: Path, homes: int, days: int) -> Iterator[Town]:
    """Create a town and run it; skips the test, with the reason, without mosquitto."""
    skip_without_mosquitto()
    town = Town(directory, homes, days)
    with town.running():
        yield town
