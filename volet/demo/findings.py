"""The demo's measurements: the meter's indices, what left the home, and what that reveals."""

from collections.abc import Sequence
from datetime import date

import msgspec
import numpy as np
import numpy.typing as npt

from cloud.store import Store, StoredBlock
from edge.simulate.home import SimulatedHome
from protocol.bill import Bill, price_bill, register_energies
from protocol.calendar import day_start, days_between, quarter_hour_start, quarter_hours
from protocol.household import Q
from protocol.ids import HouseholdKeyId
from protocol.layout import REGISTERS
from protocol.tariff import Tariff

BINS = 64
MQTT_OVERHEAD_BYTES = 8  # fixed header, topic length, packet id, property length


class Indices(msgspec.Struct, frozen=True):
    """The meter's indices at the beginning and end of the month, in Wh by register."""

    start_wh: tuple[int, ...]
    end_wh: tuple[int, ...]

    def kwh(self, register: int) -> int:
        """Return the whole kWh that a bill counts for a register (1…)."""
        return self.end_wh[register - 1] // 1000 - self.start_wh[register - 1] // 1000


class Departed(msgspec.Struct, frozen=True):
    """What left the home in a month.

    `chi_square_z`: deviation of the ciphertexts from uniform, in standard deviations of the test
    statistic. `correlation`: of a ciphertext with the meter's energy in the same quarter-hour.
    """

    messages: int
    size_bytes: int
    readings: int
    chi_square_z: float
    correlation: float


def indices(home: SimulatedHome, start: date, end: date) -> Indices:
    """Read the indices from the simulated meter itself."""
    at_start, at_end = day_start(start), day_start(end)
    return Indices(
        home.meter_at(at_start).registers_wh(at_start), home.meter_at(at_end).registers_wh(at_end)
    )


def plain_bill(tariff: Tariff, counted: Indices, start: date, end: date) -> Bill:
    """Price the meter's indices in plain text, to check everything else against."""
    steps_kwh = [counted.kwh(register) for register in range(1, len(counted.end_wh) + 1)]
    steps_kwh += [0] * (REGISTERS - len(steps_kwh))
    energies = register_energies(0, tariff, days_between(start, end), steps_kwh)
    return price_bill([tariff], start, end, energies)


def departed(
    store: Store,
    key: HouseholdKeyId,
    home: SimulatedHome,
    period: tuple[date, date],
    topic_bytes: int,
) -> Departed:
    """Measure everything that the cloud holds of a household, as somebody without its keys."""
    blocks = store.blocks_of_days(key, *period)
    payloads = [b.payload for b in blocks] + [e.payload for e in store.epochs(key)]
    values = np.concatenate([_values(block) for block in blocks])
    return Departed(
        len(payloads),
        sum(len(payload) + topic_bytes + MQTT_OVERHEAD_BYTES for payload in payloads),
        sum(quarter_hours(day) for day in {block.day for block in blocks}),
        _chi_square_z(values),
        _correlation(blocks, home),
    )


def _values(block: StoredBlock) -> npt.NDArray[np.uint64]:
    return np.frombuffer(block.coefficients, "<u8").astype(np.uint64)


def _chi_square_z(values: npt.NDArray[np.uint64]) -> float:
    counts = np.bincount((values.astype(np.float64) / Q * BINS).astype(np.int64), minlength=BINS)
    expected = len(values) / BINS
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return (statistic - (BINS - 1)) / float(np.sqrt(2 * (BINS - 1)))


def _correlation(blocks: Sequence[StoredBlock], home: SimulatedHome) -> float:
    sent: list[float] = []
    metered: list[float] = []
    for block in blocks:
        count = min(quarter_hours(block.day) - block.j0, len(block.coefficients) // 8)
        edges = [quarter_hour_start(block.day, block.j0 + j) for j in range(max(count, 0) + 1)]
        sent += _values(block)[: max(count, 0)].astype(np.float64).tolist()
        metered += np.diff([home.meter_at(at).total_wh(at) for at in edges]).tolist()
    return float(np.corrcoef(sent, metered)[0, 1])
