"""A synthetic household: closed days, their blocks under several incarnations, a contract."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import (
    BlockItem,
    Device,
    EpochItem,
    IngestBatch,
    Store,
    StoredBlock,
    StoredContract,
)
from edge.bills.readings import LocalReadings, Span
from edge.contracts.agreement import Agreement, ListedDocuments
from edge.contracts.meter import Meters, meter_hash
from edge.metering.events import DayClosed
from edge.vault.keyring import Keyring
from edge.vault.rows import EpochRow, Metered
from edge.vault.sums import SumOpener
from protocol.calendar import day_number, days_between, month_of, quarter_hours
from protocol.contract import (
    Acceptance,
    Consent,
    Contract,
    Offer,
    StatementRequest,
    sign_document,
)
from protocol.hpke import SealingKey
from protocol.ids import DeviceId, new_incarnation
from protocol.keys import HouseholdSecret
from protocol.layout import DAY_COEFFICIENTS, INJECTED_STEP, REGISTER_STEP
from protocol.messages import Block, Epoch
from protocol.schedule import Schedules

NOW = datetime(2026, 11, 24, tzinfo=UTC)
METER_SERIAL, METER_SALT = "041234567890", bytes(range(32))
DEVICE = DeviceId("abcdefghijklmnopqrstuvwxyz")


def closed_day(day: date, steps: tuple[int, ...], **changes) -> DayClosed:
    """Make a closed day with these register steps (padded to ten) and otherwise default values."""
    fields = {
        "day": day,
        "register_steps_kwh": (*steps, *([0] * (10 - len(steps)))),
        "injected_wh": 0,
        "injected_step_kwh": 0,
        "register_index_kwh": (0,) * 10,
        "injected_index_kwh": 0,
        "drawn_index_wh": 0,
        "injected_index_wh": 0,
        "meter_serial": METER_SERIAL,
        "calendar": "H PLEINE/CREUSE",
        "max_power_va": 0,
        "is_index_read": True,
    }
    return DayClosed(**(fields | changes))


class Listed:
    """A cloud's documents: a household's own offer and the schedules."""

    def __init__(self, household: "Household"):
        self._household = household

    def offer(self, offer_hash):
        offer = self._household.offer
        return offer if offer_hash == offer.hash else None

    def schedules(self):
        return self._household.schedules


@dataclass
class Household:
    """The data of both sides for one household over the days [start, end)."""

    tariffs: tuple
    start: date
    end: date
    rng: np.random.Generator
    steps_max: int = 40
    restart_chance: float = 0.2
    injected_max: int = 0
    secret: HouseholdSecret = field(default_factory=HouseholdSecret.generate)
    keyring: Keyring = field(init=False)
    provider_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    provider_sealing_key: SealingKey = field(default_factory=SealingKey.generate)
    schedules: Schedules = field(default_factory=Schedules)

    def __post_init__(self):
        self.keyring = Keyring(self.secret)
        self.days, self.spans, self.blocks, self._seeds = [], [], [], {}
        self.curves = {}
        incarnation, sequence, epochs = new_incarnation(), 0, {}
        for day in days_between(self.start, self.end):
            steps = tuple(int(s) for s in self.rng.integers(0, self.steps_max + 1, 6))
            injected = int(self.rng.integers(0, self.injected_max + 1)) if self.injected_max else 0
            self.days.append(
                closed_day(
                    day,
                    steps,
                    calendar=self.tariffs[0].calendar,
                    injected_step_kwh=injected,
                )
            )
            values = [int(v) for v in self.rng.integers(0, 9001, 100)] + [0] * 28
            values[REGISTER_STEP : REGISTER_STEP + 6] = steps
            values[INJECTED_STEP] = injected
            self.curves[day] = values[: quarter_hours(day)]
            restarts = self.rng.random() < self.restart_chance
            cut = int(self.rng.integers(1, DAY_COEFFICIENTS)) if restarts else DAY_COEFFICIENTS
            for j0, j1 in ((0, cut), (cut, DAY_COEFFICIENTS)):
                if j0 == j1:
                    continue
                if j0:
                    incarnation, sequence, epochs = new_incarnation(), 0, {}
                month = month_of(day)
                if month not in epochs:
                    seal = self.keyring.of_year(month.year).seal
                    epochs[month] = seal.new_epoch(month, incarnation)
                    self._seeds[incarnation, month] = epochs[month].seed
                sequence += 1
                coefficients = np.array(
                    [epochs[month].encrypt(day, j, values[j]) for j in range(j0, j1)], "<u8"
                ).tobytes()
                self.spans.append(Span(incarnation, sequence, day, j0, j1))
                self.blocks.append(
                    StoredBlock(DEVICE, incarnation, sequence, day, j0, coefficients, b"")
                )
        offer = Offer(
            self.tariffs[0].provider,
            self.provider_key.public_key().public_bytes_raw(),
            self.provider_sealing_key.public_bytes,
            self.tariffs[0].name,
            self.tariffs,
        )
        self.offer = sign_document(offer, self.provider_key)
        contract = Contract(
            self.offer.hash,
            self.secret.id,
            self.secret.sealing.public_bytes,
            meter_hash(METER_SALT, METER_SERIAL),
            self.start,
            None,
            Consent.TOTAL,
            follows=True,
        )
        self.contract = sign_document(contract, Ed25519PrivateKey.generate())
        self.agreement = Agreement(self.contract.hash, contract, offer)
        self.stored_contract = StoredContract(
            self.contract.hash,
            self.secret.id,
            offer.provider,
            offer.provider_key,
            self.offer,
            self.contract,
            sign_document(Acceptance(self.contract.hash), self.provider_key),
        )

    def epoch(self, incarnation, month) -> EpochRow:
        keys = self.keyring.of_year(month.year).id
        return EpochRow(self._seeds[incarnation, month], keys)

    @property
    def books(self) -> LocalReadings:
        return LocalReadings(
            self.days,
            self.spans,
            SumOpener(self.epoch, self.keyring),
            lambda day: self.curves[day],
            Meters(
                METER_SALT,
                Metered(tuple((day, 0) for day in self.days)),
                self.secret.meter_fingerprint,
            ),
        )

    @property
    def listed(self) -> "Listed":
        """The listed documents, for the cloud."""
        return Listed(self)

    @property
    def listed_documents(self) -> ListedDocuments:
        """The listed documents: the household's own offer and its schedules."""
        return ListedDocuments({}, self.schedules)

    def request(
        self, start: date, end: date, key: Ed25519PrivateKey | None = None, **changes
    ) -> bytes:
        """Sign the provider's request for the days [start, end)."""
        fields = {
            "id": self.rng.bytes(16),
            "contract": self.contract.hash,
            "offer": self.offer.hash,
            "start": day_number(start),
            "end": day_number(end),
        }
        request = StatementRequest(**(fields | changes))
        return msgspec.msgpack.encode(sign_document(request, key or self.provider_key))

    def blocks_of(self, start: date, end: date) -> list[StoredBlock]:
        return [block for block in self.blocks if start <= block.day < end]

    def batch(self, blocks: list[StoredBlock]) -> IngestBatch:
        """Make the batch that puts all epoch headers and these blocks into a store."""
        epochs = [
            EpochItem(
                DEVICE, "t", Epoch(self.secret.id, day_number(month), inc, seed, bytes(32)), b"e"
            )
            for (inc, month), seed in self._seeds.items()
        ]
        items = [
            BlockItem(
                DEVICE,
                "t",
                Block(
                    self.secret.id,
                    day_number(block.day),
                    block.incarnation,
                    block.sequence,
                    block.j0,
                    block.coefficients,
                ),
                bytes([block.sequence]) + block.incarnation + block.coefficients,
            )
            for block in blocks
        ]
        return IngestBatch(NOW, epochs, items)

    def enrol(self, store: Store) -> None:
        """Register device and contract."""
        store.enrol(Device(DEVICE, bytes(32), self.secret.id, NOW))
        store.put_contract(self.stored_contract)
        store.accept(self.contract.hash, self.stored_contract.acceptance)
