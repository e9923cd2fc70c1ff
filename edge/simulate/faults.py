"""Requested faults of a simulated meter and of its wire.

Faults are written as `name=value,name=value`. Rates on the wire: `flips` (flipped bits per byte),
`drops` (lost bytes per byte), `bursts` (noise per frame), `eot` (interruptions per frame), `parity`
(8N1 with the parity in bit 7, wrong at this rate per byte; 0: always right). Instants, local unless
they have an offset: `replace` (another meter), `mode` (the other TIC mode), `wrap` (the running
register passes 10^9 Wh), `reset` (the running register is set to zero). Instant/option: `calendar`
(another tariff option). From/to: `cut` (no mains), `degraded` (untrustworthy clock), `other`
(another meter is on the line).
"""

from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.simulate.tariff import MeterOption
from protocol.calendar import PARIS
from protocol.errors import ConfigError

EOT = b"\x04"
DATA_BITS = 7
PARITY_BIT = 0x80
BURST_BYTES = (4, 40)
RATES = ("flips", "drops", "bursts", "eot", "parity")
INSTANTS = ("replace", "mode", "wrap", "reset")
CALENDAR = "calendar"
SPANS = ("cut", "degraded", "other")
_EVEN_PARITY = np.array(
    [value | (PARITY_BIT if value.bit_count() % 2 else 0) for value in range(128)] * 2,
    dtype=np.uint8,
)

Span = tuple[datetime, datetime]


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """The requested faults, as the module describes them; instants and spans may be repeated."""

    flips: float = 0.0
    drops: float = 0.0
    bursts: float = 0.0
    eot: float = 0.0
    parity: float | None = None
    replace: tuple[datetime, ...] = ()
    mode: tuple[datetime, ...] = ()
    wrap: tuple[datetime, ...] = ()
    reset: tuple[datetime, ...] = ()
    calendar: tuple[tuple[datetime, MeterOption], ...] = ()
    cut: tuple[Span, ...] = ()
    degraded: tuple[Span, ...] = ()
    other: tuple[Span, ...] = ()

    @property
    def is_wire_clean(self) -> bool:
        """Whether bytes arrive as the meter sends them."""
        return self.parity is None and not (self.flips or self.drops or self.bursts or self.eot)


def parse_faults(text: str) -> Faults:
    """Parse `name=value,…`. Raises ConfigError that names the item and what was expected."""
    rates: dict[str, float] = {}
    instants: dict[str, list[datetime]] = {name: [] for name in INSTANTS}
    calendars: list[tuple[datetime, MeterOption]] = []
    spans: dict[str, list[Span]] = {name: [] for name in SPANS}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = item.partition("=")
        if name in RATES:
            rates[name] = _rate(item, value)
        elif name in INSTANTS:
            instants[name].append(_instant(item, value))
        elif name == CALENDAR:
            calendars.append(_calendar(item, value))
        elif name in SPANS:
            begin, _, end = value.partition("/")
            span = (_instant(item, begin), _instant(item, end))
            if span[0] >= span[1]:
                raise ConfigError(f"--faults {item}: it ends before it begins")
            spans[name].append(span)
        else:
            known = ", ".join((*RATES, *INSTANTS, CALENDAR, *SPANS))
            raise ConfigError(f"--faults {item}: no such fault; there are {known}")
    return msgspec.convert(
        {
            **rates,
            **{name: tuple(sorted(values)) for name, values in instants.items()},
            CALENDAR: tuple(sorted(calendars)),
            **{name: tuple(sorted(values)) for name, values in spans.items()},
        },
        Faults,
    )


class Wire:
    """Corrupts frames; the result depends only on the seed, the frame and its instant."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._faults = faults
        self._seed = seed

    def carry(self, frame: bytes, at_s: int) -> bytes:
        """Return the frame as the reader receives it."""
        faults = self._faults
        if faults.is_wire_clean or not frame:
            return frame
        rng = np.random.default_rng([self._seed, at_s])
        if rng.random() < faults.eot:
            frame = frame[: int(rng.integers(1, len(frame)))] + EOT
        line: NDArray[np.uint8] = np.frombuffer(frame, dtype=np.uint8)
        bits = DATA_BITS
        if faults.parity is not None:
            line = _EVEN_PARITY[line]
            line = line ^ np.where(rng.random(len(line)) < faults.parity, PARITY_BIT, 0).astype(
                np.uint8
            )
            bits += 1
        flips = 1 << rng.integers(0, bits, len(line))
        line = line ^ np.where(rng.random(len(line)) < faults.flips, flips, 0).astype(np.uint8)
        line = line[rng.random(len(line)) >= faults.drops]
        arrived = line.tobytes()
        if rng.random() < faults.bursts:
            at = int(rng.integers(0, len(arrived) + 1))
            noise = rng.integers(0, 1 << bits, int(rng.integers(*BURST_BYTES)), dtype=np.uint8)
            arrived = arrived[:at] + noise.tobytes() + arrived[at:]
        return arrived


def _rate(item: str, value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ConfigError(f"--faults {item}: expected a rate from 0 to 1")
    return rate


def _calendar(item: str, value: str) -> tuple[datetime, MeterOption]:
    at, _, option = value.partition("/")
    if option not in list(MeterOption):
        known = ", ".join(MeterOption)
        raise ConfigError(f"--faults {item}: expected a tariff option after /, one of {known}")
    return _instant(item, at), MeterOption(option)


def _instant(item: str, value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as exc:
        raise ConfigError(
            f"--faults {item}: expected an instant such as 2025-01-10T12:00 "
            "(two with / between where it lasts)"
        ) from exc
    return at if at.tzinfo else at.replace(tzinfo=PARIS)
