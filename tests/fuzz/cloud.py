"""Everything that a chip may send, correctly signed, over the ingest and a store."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import inspect

from cloud.ingest.handlers import _CLASSES
from cloud.ingest.pipeline import Ingest
from cloud.store.sqlite.store import SqliteStore
from protocol.envelope import Address
from protocol.status import Status, encode_status
from protocol.topics import Kind
from system.mqtt.message import Incoming
from tests.fuzz.target import Prepared, Samples, Strict, Target, named, seal_bytes
from tests.support.fake_chip import FakeChip

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PLATFORM_KEY = Ed25519PrivateKey.generate()


class FuzzedIngest:
    """An ingest with one chip, over a store of its own."""

    def __init__(self, directory: Path) -> None:
        self.chip = FakeChip()
        self.store = SqliteStore.open(directory)
        self.store.enrol(self.chip.enrolment)
        self.ingest = Ingest(self.store, "testville", PLATFORM_KEY, lambda: NOW, Strict())
        self.samples = Samples({"household_key": self.chip.household_key})

    def take(self, message: Incoming) -> None:
        """Process a message and answer what it asks."""
        processed = self.ingest.process([message])
        for request in processed.requests:
            self.ingest._by_kind[request.kind].answer(request.device, request.wanted, NOW)


def prepare_up(kind: Kind, directory: Path) -> Prepared:
    fuzzed = FuzzedIngest(directory)
    chip = fuzzed.chip
    address = Address(chip.collectivity, chip.device, kind)

    def run(body: bytes) -> None:
        payload = seal_bytes(address, body, chip.signing_key)
        fuzzed.take(Incoming(chip.topic(kind), payload))

    return Prepared(run, fuzzed.samples.bodies(BODIES[kind]), fuzzed.store.close)


def prepare_status(directory: Path) -> Prepared:
    fuzzed = FuzzedIngest(directory)

    def run(payload: bytes) -> None:
        fuzzed.take(Incoming(fuzzed.chip.topic(Kind.STATUS), payload))

    status = encode_status(Samples().value(inspect.type_info(Status), 1))
    return Prepared(run, (status, b"[" * 10_000, b'{"a":1,"a":2}'), fuzzed.store.close)


def prepare_topic(directory: Path) -> Prepared:
    fuzzed = FuzzedIngest(directory)

    def run(data: bytes) -> None:
        topic, _, payload = data.partition(b"\0")
        text = topic.decode("utf-8", "ignore")
        fuzzed.take(Incoming(text, payload))
        fuzzed.take(
            Incoming(fuzzed.chip.topic(Kind.BLOCK).removesuffix("up/block") + text, payload)
        )

    return Prepared(
        run, (b"up/block\0\x93\x01\xc4\x00\xc4\x00", b"key\0", b"status\0{}"), fuzzed.store.close
    )


BODIES = {kind: body for each in _CLASSES for kind, body in each.bodies.items()}

TARGETS = (
    *(
        Target(
            f"cloud-{kind.removeprefix('up/')}",
            partial(prepare_up, kind),
            named(body),
            frozenset([kind]),
        )
        for kind, body in BODIES.items()
    ),
    Target(
        "cloud-status", prepare_status, named(Status), frozenset([Kind.STATUS]), is_packed=False
    ),
    Target("cloud-any-topic", prepare_topic, is_packed=False),
)
