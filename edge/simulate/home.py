"""A simulated delivery point over time: which meter stands there, in which mode, with or without mains."""

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
# Apart, so that no neighbour of one seed is a replaced meter of it.
NEIGHBOUR_STEP = 104_729


class HomeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at a delivery point at first.

    Attributes:
        mode: what the TIC output is set to.
        option: the tariff option.
        kva: the power subscribed; `phases` 1 or 3.
        is_producer: solar panels inject what the household does not use.
        seed: of serial, first indices, Tempo and EJP days, panels and small variations.
        serial: ADSC or ADCO; empty: from the seed.
        base_wh: what the registers show at the curve's start; empty: from the seed.
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
    """The meters that are on a home's line one after another.

    `stages` are (from, meter) in order; the first one's instant is the curve's start. `others` are
    ((from, to), meter): on the line in place of the home's own, which counts on meanwhile.
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
        """Return when the power cut ends that the instant lies in; None: there is mains."""
        return next((end for begin, end in self._cuts if begin <= at < end), None)

    def frame_at(self, at: datetime) -> bytes:
        """Return the frame that begins at the instant; nothing while there is no mains."""
        return b"" if self.mains_back(at) is not None else self.meter_at(at).frame_at(at)


def build_home(
    curve: Curve,
    settings: HomeSettings | None = None,
    faults: Faults | None = None,
    colours: Mapping[date, StgeColour] | None = None,
) -> SimulatedHome:
    """Put a meter on a curve, and let happen to it what `faults` says.

    `colours`: Tempo days that are not to be drawn from the seed.
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
    """Return the meters of neighbours that are on the line meanwhile."""
    days = legal_day(curve.start), legal_day(curve.end) + timedelta(days=1)
    found = []
    for number, span in enumerate(faults.other, 1):
        seed = settings.seed + NEIGHBOUR_STEP * number
        neighbour = msgspec.structs.replace(
            settings, seed=seed, is_producer=False, serial="", base_wh=()
        )
        home = build_home(synthetic_curve(seed, *days, settings.kva), neighbour)
        found.append((span, home.meter_at(span[0])))
    return found


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
