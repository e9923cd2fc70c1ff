"""A collectivity, and homes whose households move between its chips."""

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from cloud.ingest.pipeline import Ingest
from cloud.registry.enrolment import enrol
from cloud.registry.key_files import load_platform_key
from cloud.store.sqlite.store import SqliteStore
from edge.chip.chip import Chip, ChipSettings
from edge.contracts.enrolling import draw_keys, install, make_request, sign_contract, write_request
from edge.identity.enrolment import load_identity, signer_of
from edge.identity.keys import load_keys
from edge.moving.departure import MovingOptions, leave_order
from edge.mqtt.message import Arrived, Connected, Publish
from edge.mqtt.outbox import OutboxSettings
from edge.vault.vault import Vault
from protocol.calendar import legal_day
from protocol.contract import Consent, Signed
from protocol.ids import HouseholdKeyId
from protocol.topics import Kind, parse_device_topic
from system.mqtt.message import Incoming
from tests.support.broker import COLLECTIVITY, make_cloud
from tests.support.chip_bench import FRAMES_AT_START, Bench, BenchClock, BenchMeter

REQUEST = "request.json"
QUICK = OutboxSettings(backlog_per_s=1_000.0, backlog_window=64)


class TownCloud:
    """The collectivity's own ingest over its store; households are found by their keys."""

    def __init__(self, directory: Path, clock: BenchClock) -> None:
        make_cloud(directory)
        self.directory = directory
        self.clock = clock
        self.key = load_platform_key(directory)
        self.store = SqliteStore.open(directory)
        self.ingest = Ingest(self.store, COLLECTIVITY, self.key, clock.now)
        self.published: list[Publish] = []

    def take(self, publish: Publish) -> list[Arrived]:
        if parse_device_topic(publish.topic).kind is Kind.STATUS:
            return []
        self.published.append(publish)
        done = self.ingest.process([Incoming(publish.topic, publish.payload)])
        outgoing = list(done.outgoing)
        for request in done.requests:
            outgoing += self.ingest.answer(request)
        return [Arrived(message.topic, message.payload) for message in outgoing]

    def enrol(self, request: Signed, prm: str | None = None) -> bytes:
        """Enrol a request and return the encoded answer."""
        enrolled = enrol(self.directory, self.store, request, self.clock.now(), prm)
        return msgspec.json.encode(enrolled.answer)

    def payloads_of(self, key: HouseholdKeyId) -> tuple[list[bytes], list[bytes]]:
        blocks = self.store.blocks_of_days(key, date(1970, 1, 1), date(2100, 1, 1))
        epochs = self.store.epochs(key)
        return [row.payload for row in epochs], [row.payload for row in blocks]


class View:
    """One household's part of the store, for `opened`."""

    def __init__(self, cloud: TownCloud, key: HouseholdKeyId) -> None:
        self._cloud = cloud
        self._key = key

    def payloads(self) -> tuple[list[bytes], list[bytes]]:
        return self._cloud.payloads_of(self._key)


class Home(Bench):
    """A chip in its directory, enrolled by its own commands' code, and the meter beside it."""

    def __init__(self, directory: Path, cloud: TownCloud, start: datetime, serial: str) -> None:
        draw_keys(directory)
        super().__init__(directory, cloud, None, start)
        self.clock = cloud.clock
        self.meter = BenchMeter(start, int(serial), serial)

    def enrol(
        self,
        offer: Signed | None = None,
        prm: str | None = None,
        consent: Consent = Consent.TOTAL,
    ) -> None:
        """Request enrolment, let the collectivity answer, and install the answer."""
        keys = load_keys(self.directory)
        contract = None
        if offer is not None:
            day = legal_day(self.clock.now())
            contract = sign_contract(keys, offer, self.meter.serial, day, consent=consent)
        request = make_request(keys, offer, contract)
        write_request(self.directory, self.directory / REQUEST, request)
        answer = self.directory / "answer.json"
        answer.write_bytes(self.cloud.enrol(request, prm))
        install(self.directory, answer)
        self.identity = load_identity(self.directory)

    def start(self) -> None:
        """Start as the chip's program does."""
        self.identity = load_identity(self.directory)
        self.vault = Vault.open(self.directory, signer_of(self.identity))
        moving = MovingOptions(self.directory)
        settings = ChipSettings(outbox=QUICK, moving=moving)
        self.chip = Chip(self.identity, self.vault, self.clock, settings)
        self.frames(FRAMES_AT_START)
        if self.is_online:
            self.chip.take(Connected())

    def frames(self, count: int) -> None:
        """Feed frames of the meter."""
        for _ in range(count):
            self.chip.observe(self.meter.frame(self.clock.at), self.clock.host_time())

    def move_out(self) -> None:
        """Write the order to leave, and feed two more frames."""
        leave_order(self.directory, self.clock.now())
        self.clock.seconds += 2
        self.frames(2)


NOON = datetime(2026, 2, 10, 11, tzinfo=UTC)
