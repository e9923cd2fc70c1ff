"""The fixed properties of a simulated meter, and its counters at an instant for the encoders."""

from datetime import datetime
from random import Random

import msgspec

from edge.tic.frame import Mode
from edge.tic.groups import encode_group

STX, ETX = b"\x02", b"\x03"


class MeterProfile(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of a meter in a home.

    Attributes:
        serial: ADSC or ADCO, twelve digits.
        prm: point of delivery, fourteen digits.
        mode: the mode of its TIC output.
        kva: the subscribed power.
        phases: 1 or 3.
        is_producer: whether it has an injection index, which it sends in standard mode.
        base_wh: the indices at `counts_from`. Missing registers began at 0; those beyond the tariff
            option's do not count.
        injected_base_wh: the injection index at `counts_from`.
        counts_from: the instant from which it counts; None: the curve's start.
        degraded: (from, to) during which it marks its clock as degraded.
        seed: seed of its voltages and of a replacement meter's serial.
    """

    serial: str
    prm: str
    mode: Mode
    kva: int = 6
    phases: int = 1
    is_producer: bool = False
    base_wh: tuple[int, ...] = ()
    injected_base_wh: int = 0
    counts_from: datetime | None = None
    degraded: tuple[tuple[datetime, datetime], ...] = ()
    seed: int = 0

    def is_clock_degraded(self, at_s: int) -> bool:
        """Return whether the clock is degraded at the Unix second."""
        return any(begin.timestamp() <= at_s < end.timestamp() for begin, end in self.degraded)


class Snapshot(msgspec.Struct, frozen=True):
    """The meter's counters at a Unix second; `injected_wh` None: not a producer.

    `registers_wh`: the registers of the tariff option first, then those that no longer count.
    """

    at_s: int
    registers_wh: tuple[int, ...]
    injected_wh: int | None


class GroupCache:
    """Encodes groups of one mode, and caches each label's last one, because most do not change."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._kept: dict[str, tuple[str, str | None, bytes]] = {}

    def encode(self, label: str, value: str, timestamp: str | None = None) -> bytes:
        """Return the group from LF to CR."""
        cached = self._kept.get(label)
        if cached is not None and cached[0] == value and cached[1] == timestamp:
            return cached[2]
        encoded = encode_group(self._mode, label, value, timestamp)
        self._kept[label] = (value, timestamp, encoded)
        return encoded


def random_serial(seed: int, phases: int) -> str:
    """Return a Linky's serial: maker, year, type 61 (one phase) or 63 (three phases), number."""
    random = Random(f"serial {seed}")  # noqa: S311 - a simulation, not a secret
    linky_type = 61 if phases == 1 else 63
    return f"{random.choice((2, 3, 4, 6)):02}{random.randint(16, 24)}{linky_type}{random.randrange(10**6):06}"


def random_prm(seed: int) -> str:
    """Return a point of delivery, fourteen digits."""
    return f"{Random(f'prm {seed}').randrange(10**14):014}"  # noqa: S311 - a simulation


def apparent_va(power_w: int) -> int:
    """Return the apparent power of an active power at a household's usual power factor, 0.95."""
    return power_w * 100 // 95


def split_by_phase(amount: int, phases: int) -> tuple[int, ...]:
    """Return an amount's shares by phase: all on one, or about 5 : 3 : 2 on three."""
    if phases == 1:
        return (amount,)
    second, third = amount * 3 // 10, amount * 2 // 10
    return amount - second - third, second, third


def voltage_v(seed: int, window: int, phase: int) -> int:
    """Return a voltage near 230 V for a ten-minute window (its number) and a phase."""
    mixed = (window * 2_654_435_761 + phase * 40_503 + seed * 97) & 0xFFFFFFFF
    return 227 + (mixed >> 7) % 9
