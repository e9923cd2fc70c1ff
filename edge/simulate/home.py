"""A simulated supply point over time: its meters, their TIC modes, and power cuts."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random

import msgspec

from edge.simulate.changes import changes
from edge.simulate.counters import COUNTER_MODULUS_WH, WS_PER_WH, Counters
from edge.simulate.curve import Curve
from edge.simulate.faults import Faults, Span
from edge.simulate.household import surplus_curve, synthetic_curve
from edge.simulate.meter import SimulatedMeter
from edge.simulate.profile import MeterProfile, random_prm, random_serial
from edge.simulate.tariff import REGISTERS, MeterOption, SimulatedTariff, StgeColour
from edge.tic.frame import Mode
from protocol.calendar import legal_day

BASE_WH = (1_000_000, 20_000_000)
# Distinct from SERIAL_STEP, so that no neighbour's meter equals a replacement meter of this seed.
NEIGHBOUR_STEP = 104_729


class HomeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The initial meter of a supply point.

    Attributes:
        mode: the mode of the TIC output.
        option: the tariff option.
        kva: the subscribed power.
        phases: 1 or 3.
        is_producer: solar panels inject what the household does not use.
        seed: seed of serial, first indices, Tempo and EJP days, panels and small variations.
        serial: ADSC or ADCO; empty: drawn from the seed.
        base_wh: the indices at the curve's start; empty: drawn from the seed.
    """

    mode: Mode = Mode.STANDARD
    option: MeterOption = MeterOption.BASE
    kva: int = 6
    phases: int = 1
    is_producer: bool = False
    seed: int = 0
    serial: str = ""
    base_wh: tuple[int, ...] = ()


class SimulatedHome:
    """The successive meters on a home's line.

    `stages` are (from, meter) in order, beginning at the curve's start. `others` are
    ((from, to), meter): they replace the home's own meter on the line while it continues to count.
    """

    def __init__(
        self,
        stages: list[tuple[datetime, SimulatedMeter]],
        cuts: Sequence[Span],
        others: Sequence[tuple[Span, SimulatedMeter]] = (),
    ) -> None:
        self._starts = [start for start, _ in stages]
        self._meters = [meter for _, meter in stages]
        self._cuts = cuts
        self._others = others

    @property
    def start(self) -> datetime:
        """The curve's start."""
        return self._meters[0].counters.start

    @property
    def end(self) -> datetime:
        """The curve's end."""
        return self._meters[0].counters.end

    def meter_at(self, at: datetime) -> SimulatedMeter:
        """Return the meter that is on the line at the instant."""
        for (begin, end), other in self._others:
            if begin <= at < end:
                return other
        return self._meters[max(bisect_right(self._starts, at) - 1, 0)]

    def mains_back(self, at: datetime) -> datetime | None:
        """Return the end of the power cut at the instant; None if there is mains."""
        return next((end for begin, end in self._cuts if begin <= at < end), None)

    def frame_at(self, at: datetime) -> bytes:
        """Return the frame that begins at the instant; empty during a power cut."""
        return b"" if self.mains_back(at) is not None else self.meter_at(at).frame_at(at)


def build_home(
    curve: Curve,
    settings: HomeSettings | None = None,
    faults: Faults | None = None,
    colours: Mapping[date, StgeColour] | None = None,
) -> SimulatedHome:
    """Return a home whose meter follows `curve` and suffers `faults`.

    `colours`: Tempo days that are given instead of drawn from the seed.
    """
    settings, faults = settings or HomeSettings(), faults or Faults()
    injected = surplus_curve(curve, settings.seed) if settings.is_producer else None

    def counters_of(option: MeterOption) -> Counters:
        tariff = SimulatedTariff(option, colours=colours, seed=settings.seed)
        return Counters(curve, tariff, injected, faults.cut)

    counters = counters_of(settings.option)
    profile = MeterProfile(
        serial=settings.serial or random_serial(settings.seed, settings.phases),
        prm=random_prm(settings.seed),
        mode=settings.mode,
        kva=settings.kva,
        phases=settings.phases,
        is_producer=settings.is_producer,
        base_wh=_base_wh(settings, faults, counters),
        degraded=faults.degraded,
        seed=settings.seed,
    )
    stages = [(curve.start, SimulatedMeter(profile, counters))]
    for at, change in changes(faults, counters_of):
        stages.append((at, change(stages[-1][1])))
    return SimulatedHome(stages, faults.cut, _others(faults, settings, curve))


def _others(
    faults: Faults, settings: HomeSettings, curve: Curve
) -> list[tuple[Span, SimulatedMeter]]:
    """Return the neighbours' meters that are on the line for a while, each with its time."""
    days = legal_day(curve.start), legal_day(curve.end) + timedelta(days=1)
    others = []
    for number, span in enumerate(faults.other, 1):
        seed = settings.seed + NEIGHBOUR_STEP * number
        neighbour = msgspec.structs.replace(
            settings, seed=seed, is_producer=False, serial="", base_wh=()
        )
        home = build_home(synthetic_curve(seed, *days, settings.kva), neighbour)
        others.append((span, home.meter_at(span[0])))
    return others


def _base_wh(settings: HomeSettings, faults: Faults, counters: Counters) -> tuple[int, ...]:
    count = len(REGISTERS[settings.option])
    random = Random(f"base {settings.seed}")  # noqa: S311 - a simulation, not a secret
    drawn_wh = [random.randrange(*BASE_WH) for _ in range(count)]
    base_wh = (list(settings.base_wh) + [0] * count)[:count] if settings.base_wh else drawn_wh
    for at in faults.wrap:
        at_s = int(at.timestamp())
        register = counters.register(at_s)
        base_wh[register] = COUNTER_MODULUS_WH - counters.drawn_ws(at_s)[register] // WS_PER_WH
    return tuple(base_wh)
