"""A chip's month for measuring: readings, prices, and the signed messages that carry them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud.store import Device
from edge.vault.keyring import Keyring
from protocol.calendar import day_number, days_between, next_month, quarter_hours
from protocol.commitment import COMMITTED_VALUES, commit_day
from protocol.envelope import Address, seal_message
from protocol.household import Coefficients, Weights
from protocol.household import EpochPad as Pad
from protocol.ids import DeviceId, new_device_id, new_incarnation
from protocol.keys import HouseholdSecret
from protocol.layout import DAY_COEFFICIENTS, MONTH_COEFFICIENTS, REGISTER_STEP, coefficient
from protocol.messages import COEFFICIENT_BYTES, Block, Epoch, Fetch
from protocol.seal import SealSecret
from protocol.topics import Kind, device_topic
from system.mqtt.message import Incoming

COLLECTIVITY = "benchville"
DAY_BYTES = DAY_COEFFICIENTS * COEFFICIENT_BYTES
MONTH = date(2026, 1, 1)
DAYS = tuple(days_between(MONTH, next_month(MONTH)))
READINGS_A_DAY = quarter_hours(MONTH)
READINGS_A_MONTH = READINGS_A_DAY * len(DAYS)
# Prices of off-peak and peak quarter-hours in thousandths of €/kWh: one digit of the billing lane.
OFF_PEAK, PEAK = 207, 270
OFF_PEAK_QUARTERS = frozenset((*range(26), *range(90, 96)))

Readings = npt.NDArray[np.int64]


def month_of_readings(rng: np.random.Generator) -> Readings:
    """Draw a month of quarter-hours in Wh, int64[31, 96], most of them small."""
    drawn = rng.exponential(120, (len(DAYS), READINGS_A_DAY)).astype(np.int64)
    return np.minimum(drawn, 3_000)


def day_prices() -> Readings:
    """Return the price of each quarter-hour of a day, int64[96]."""
    return np.array(
        [OFF_PEAK if j in OFF_PEAK_QUARTERS else PEAK for j in range(READINGS_A_DAY)], np.int64
    )


def month_weights() -> Weights:
    """Return the prices at the coefficients of the month's quarter-hours, int64[3968]."""
    weights = np.zeros(MONTH_COEFFICIENTS, np.int64)
    for day in DAYS:
        first = coefficient(day, 0)
        weights[first : first + READINGS_A_DAY] = day_prices()
    return weights


def register_steps(readings_wh: Readings) -> tuple[int, int]:
    """Return a day's approximate whole-kWh steps of the off-peak and the peak register."""
    is_peak = day_prices() == PEAK
    return int(readings_wh[~is_peak].sum()) // 1_000, int(readings_wh[is_peak].sum()) // 1_000


def day_values(readings_wh: Readings) -> list[int]:
    """Return the 128 values of a day: readings, two register steps, zeros."""
    values: list[int] = readings_wh.tolist() + [0] * (DAY_COEFFICIENTS - READINGS_A_DAY)
    values[REGISTER_STEP : REGISTER_STEP + 2] = register_steps(readings_wh)
    return values


@dataclass(frozen=True, slots=True)
class Chip:
    """An enrolled chip with real keys; `sign` returns a message as it leaves the home."""

    device: DeviceId
    signing_key: Ed25519PrivateKey
    secret: HouseholdSecret
    keyring: Keyring

    @classmethod
    def generate(cls) -> "Chip":
        """Draw new keys."""
        secret = HouseholdSecret.generate()
        return cls(new_device_id(), Ed25519PrivateKey.generate(), secret, Keyring(secret))

    @property
    def seal(self) -> SealSecret:
        """The SEAL secret of the benchmarks' month."""
        return self.keyring.of_year(MONTH.year).seal

    @property
    def enrolment(self) -> Device:
        """The chip's record in the cloud's store."""
        public = self.signing_key.public_key().public_bytes_raw()
        return Device(self.device, public, self.secret.id, datetime(2026, 1, 1, tzinfo=UTC))

    def sign(self, kind: Kind, body: Epoch | Block | Fetch) -> Incoming:
        """Sign a message."""
        payload = seal_message(Address(COLLECTIVITY, self.device, kind), body, self.signing_key)
        return Incoming(device_topic(COLLECTIVITY, self.device, kind), payload)

    def fetch(self) -> Incoming:
        """Make the request for the cloud's state that follows every start."""
        return self.sign(Kind.FETCH, Fetch(self.secret.id, None, 1, 0, 1))

    def header(self, pad: Pad) -> Incoming:
        """Make the message with the epoch's public half."""
        month = day_number(pad.month)
        keys = self.keyring.of_year(pad.month.year)
        mac = keys.epoch_mac(self.secret.id, month, pad.incarnation, pad.seed)
        return self.sign(Kind.EPOCH, Epoch(self.secret.id, month, pad.incarnation, pad.seed, mac))

    def new_pad(self) -> Pad:
        """Make the epoch of a new incarnation."""
        return self.seal.new_epoch(MONTH, new_incarnation())

    def encrypt_day(self, pad: Pad, day: date, readings_wh: Readings) -> bytes:
        """Encrypt a day's 128 values from its readings, int64[96]."""
        return b"".join(
            pad.encrypt(day, j, value).to_bytes(COEFFICIENT_BYTES, "little")
            for j, value in enumerate(day_values(readings_wh))
        )

    def block(self, pad: Pad, day: date, sequence: int, j0: int, coefficients: bytes) -> Incoming:
        """Make a block of coefficients from `j0` on, with a commitment if it closes the day."""
        is_closing = j0 * COEFFICIENT_BYTES + len(coefficients) == DAY_BYTES
        body = Block(
            self.secret.id,
            day_number(day),
            pad.incarnation,
            sequence,
            j0,
            coefficients,
            self._commitment(day) if is_closing else b"",
        )
        return self.sign(Kind.BLOCK, body)

    def _commitment(self, day: date) -> bytes:
        number, values = day_number(day), [1] * COMMITTED_VALUES
        return commit_day(values, self.keyring.of_year(day.year).blinding(number, values))

    def daily_blocks(self, pad: Pad, month_wh: Readings) -> Iterator[Incoming]:
        """Yield a month's blocks, one per day."""
        for number, (day, readings_wh) in enumerate(zip(DAYS, month_wh, strict=True), 1):
            yield self.block(pad, day, number, 0, self.encrypt_day(pad, day, readings_wh))

    def quarter_hourly_blocks(self, pad: Pad, month_wh: Readings) -> Iterator[Incoming]:
        """Yield a month's blocks, one per quarter-hour and one that closes each day."""
        sequence = 0
        for day, readings_wh in zip(DAYS, month_wh, strict=True):
            data = self.encrypt_day(pad, day, readings_wh)
            for j in range(READINGS_A_DAY + 1):
                end = j + 1 if j < READINGS_A_DAY else DAY_COEFFICIENTS
                sequence += 1
                part = data[j * COEFFICIENT_BYTES : end * COEFFICIENT_BYTES]
                yield self.block(pad, day, sequence, j, part)


@dataclass(frozen=True, slots=True)
class Month:
    """One household's month, with the data of both sides."""

    chip: Chip
    pad: Pad
    readings_wh: Readings
    coefficients: Coefficients

    @classmethod
    def encrypted(cls) -> "Month":
        """Make a month and encrypt it."""
        chip = Chip.generate()
        pad = chip.new_pad()
        readings_wh = month_of_readings(np.random.default_rng(1))
        data = b"".join(
            chip.encrypt_day(pad, day, day_wh)
            for day, day_wh in zip(DAYS, readings_wh, strict=True)
        )
        return cls(chip, pad, readings_wh, np.frombuffer(data, "<u8").astype(np.uint64))

    @property
    def expected(self) -> int:
        """The month's cost at `day_prices`, in plain."""
        return int((self.readings_wh @ day_prices()).sum())
