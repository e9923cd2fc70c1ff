"""The TIC interface in ngspice, over levels of the meter and samples of the opto-coupler.

This is a model and no measurement: the parts are fitted to their data sheets, the meter to Enedis'
specification. `simulate` plays a string of characters through one circuit; `sweep` does it for all
levels and samples, and asks a UART whether it would have read them.
"""

import csv
import hashlib
import io
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from itertools import groupby, product
from pathlib import Path
from typing import Any, cast

import jinja2
import numpy as np
from numpy.typing import NDArray

from hardware.simulate import uart

HERE = Path(__file__).parent
RESULTS = HERE / "results.csv"
CARRIER_HZ = 50e3
# Behind which the meter's output stands; no document gives it.
SOURCE_OHM = 250
LEVEL_LOAD_OHM = 1000
CABLE_F = 1e-9
# By how much the clocks of meter and Pi may differ.
CLOCK_SHARE = 0.015
_AT_ONCE = 2
_END_S = 600


@dataclass(frozen=True, slots=True)
class Level:
    """The meter's peak in volts across 1 kΩ, within the 500 to 2000 Ω that it is specified for."""

    peak_v: float

    @property
    def open_v(self) -> float:
        """The peak with nothing connected."""
        return self.peak_v * (1 + SOURCE_OHM / LEVEL_LOAD_OHM)


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece of U1: collector over LED current, and what makes it quick or slow."""

    transfer_ratio: float
    speed: str

    @property
    def gain(self) -> float:
        """Return the transistor's current gain."""
        return _SPEEDS[self.speed][0]

    @property
    def miller_f(self) -> float:
        """Return the capacitance from collector to base."""
        return _SPEEDS[self.speed][1]

    @property
    def transit_s(self) -> float:
        """Return the transistor's transit time."""
        return _SPEEDS[self.speed][2]


@dataclass(frozen=True, slots=True)
class Values:
    """A circuit to try. Without the transistor, R2 is the pull-up of U1 and R3 is not there."""

    r1_ohm: int
    r2_ohm: int
    r3_ohm: int = 10_000
    threshold_v: float = 1.1
    has_transistor: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A speed in bit/s, what is sent at it, and the step of the simulation."""

    speed_bit_s: int
    text: bytes
    step_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """One run: the circuit, the meter, the sample, and what came of it."""

    speed_bit_s: int
    r1_ohm: int
    r2_ohm: int
    r3_ohm: int
    threshold_v: float
    has_transistor: bool
    level_v: float
    transfer_ratio: float
    coupler_speed: str
    peak_v: float  # what is left of the level at I1 under this load
    is_read: bool  # by a UART with the meter's clock
    is_read_by_others: bool  # and by clocks 1.5 % slower and faster
    fall_late_us: float
    rise_late_us: float
    extra_edges: int


@dataclass(frozen=True, slots=True)
class Waves:
    """Voltages at I1, at the gate and at RXD, each `step_s` after the one before."""

    step_s: float
    i1_v: NDArray[np.float64]
    gate_v: NDArray[np.float64]
    rxd_v: NDArray[np.float64]


# Gain, capacitance, transit time: `response_s` says to what they amount.
_SPEEDS = {"typical": (400, 8e-12, 1.7e-9), "slow": (900, 12e-12, 8e-9)}
LEVELS = tuple(map(Level, (1.2, 2.0, 3.5, 5.0)))
# SFH620A-3: at least 34 % at 1 mA, at most 320 % at 10 mA.
SAMPLES = (
    Sample(0.34, "typical"),
    Sample(1.0, "typical"),
    Sample(3.2, "typical"),
    Sample(1.0, "slow"),
    Sample(3.0, "slow"),
)
STANDARD = Line(9600, b"\nEAST\t012345678\t1\r", 0.5e-6)
HISTORIQUE = Line(1200, b"\nPTEC\r", 1e-6)
CHOSEN = Values(470, 2200)
FORMER = Values(1000, 3300)
TRIED = (
    *((STANDARD, CHOSEN), (STANDARD, FORMER)),
    *((STANDARD, Values(r1, r2)) for r1, r2 in ((330, 2200), (220, 2200), (220, 3300))),
    *((STANDARD, Values(1000, r2)) for r2 in (10_000, 1000)),
    *((STANDARD, Values(470, 2200, threshold_v=volts)) for volts in (0.8, 1.5)),
    *((STANDARD, Values(470, 1500, threshold_v=volts)) for volts in (0.8, 1.1)),
    (STANDARD, Values(1000, 3300, has_transistor=False)),
    *((HISTORIQUE, values) for values in (CHOSEN, FORMER, Values(1000, 10_000))),
)


def model_hash() -> str:
    """Return the SHA-256 of the templates and of every number of the model but the results."""
    digest = hashlib.sha256()
    for path in sorted(HERE.glob("*.j2")):
        digest.update(path.read_bytes())
    numbers = (CARRIER_HZ, SOURCE_OHM, LEVEL_LOAD_OHM, CABLE_F, CLOCK_SHARE, uart.LOW_V)
    told = (numbers, uart.HIGH_V, _SPEEDS, LEVELS, SAMPLES, TRIED)
    digest.update(repr(told).encode())
    return digest.hexdigest()


def simulate(line: Line, values: Values, level: Level, sample: Sample) -> Waves:
    """Run ngspice on one circuit. Raises RuntimeError with what ngspice said if it gives nothing."""
    bits = uart.line_bits(line.text)
    end_s = len(bits) / line.speed_bit_s
    columns = _ngspice(
        "tic.cir.j2",
        keying=_keying(bits, 1 / line.speed_bit_s),
        level=level,
        sample=sample,
        values=values,
        carrier_hz=CARRIER_HZ,
        source_ohm=SOURCE_OHM,
        cable_f=CABLE_F,
        step_s=line.step_s,
        end_s=end_s,
    )
    return Waves(float(columns[1, 0] - columns[0, 0]), *columns[:, 1:].T)


def response_s(sample: Sample) -> tuple[float, float]:
    """Return rise and fall time, 10 to 90 %, measured as data sheets do."""
    time_s, volts = _ngspice("response.cir.j2", sample=sample).T
    top = volts.max()
    above_low, above_high = volts > 0.1 * top, volts > 0.9 * top
    first_low, first_high = above_low.argmax(), above_high.argmax()
    last_low = volts.size - 1 - above_low[::-1].argmax()
    last_high = volts.size - 1 - above_high[::-1].argmax()
    return (
        float(time_s[first_high] - time_s[first_low]),
        float(time_s[last_low] - time_s[last_high]),
    )


def _ngspice(template: str, **values: object) -> NDArray[np.float64]:
    environment = jinja2.Environment(  # noqa: S701  # makes netlists, not pages
        loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined
    )
    with tempfile.TemporaryDirectory() as directory:
        circuit = Path(directory) / "circuit.cir"
        circuit.write_text(environment.get_template(template).render(values), "utf-8")
        done = subprocess.run(
            ("ngspice", "-b", circuit.name),
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
            timeout=_END_S,
        )
        data = Path(directory) / "out.data"
        if not data.is_file():
            raise RuntimeError(f"ngspice gave no result: {(done.stdout + done.stderr)[-800:]}")
        return np.loadtxt(data)


def _keying(bits: list[int], bit_s: float) -> str:
    """Return the carrier's key, 1 for a bit of 0, as points in time for ngspice."""
    points = [(0.0, 1 - bits[0])]
    for place in range(1, len(bits)):
        if bits[place] != bits[place - 1]:
            at_s = place * bit_s
            points += [(at_s - 1e-6, 1 - bits[place - 1]), (at_s, 1 - bits[place])]
    return " ".join(f"{at_s:.9g} {key}" for at_s, key in points)


def result(line: Line, values: Values, level: Level, sample: Sample) -> Result:
    """Simulate one circuit and read what comes out of it."""
    waves = simulate(line, values, level, sample)
    bit_s = 1 / line.speed_bit_s
    states = uart.levels(waves.rxd_v)
    reads = [
        uart.read(states, waves.step_s, bit_s * (1 + share)) == line.text
        for share in (0.0, -CLOCK_SHARE, CLOCK_SHARE)
    ]
    fall_s, rise_s, extra = uart.lateness(states, waves.step_s, uart.line_bits(line.text), bit_s)
    return Result(
        line.speed_bit_s,
        values.r1_ohm,
        values.r2_ohm,
        values.r3_ohm,
        values.threshold_v,
        values.has_transistor,
        level.peak_v,
        sample.transfer_ratio,
        sample.speed,
        round(float(waves.i1_v.max()), 2),
        reads[0],
        all(reads),
        round(fall_s * 1e6, 1),
        round(rise_s * 1e6, 1),
        extra,
    )


def sweep(tried: Iterable[tuple[Line, Values]]) -> list[Result]:
    """Run each circuit at all levels and with all samples, some at once."""
    runs = [
        (line, values, level, sample)
        for (line, values), level, sample in product(tried, LEVELS, SAMPLES)
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda run: result(*run), runs))


@dataclass(frozen=True, slots=True)
class Row:
    """One circuit at one level: of how many samples the characters were read."""

    speed_bit_s: int
    values: Values
    level_v: float
    read: int
    read_by_others: int
    rise_late_us: float  # the latest of those that were read; not a number if none was


def rows(results: Iterable[Result]) -> Iterator[Row]:
    """Add the samples up."""
    for (speed, values, level_v), group in groupby(results, _circuit):
        samples = list(group)
        late = [each.rise_late_us for each in samples if each.is_read]
        yield Row(
            speed,
            values,
            level_v,
            sum(each.is_read for each in samples),
            sum(each.is_read_by_others for each in samples),
            max(late, default=float("nan")),
        )


def _circuit(each: Result) -> tuple[int, Values, float]:
    values = Values(each.r1_ohm, each.r2_ohm, each.r3_ohm, each.threshold_v, each.has_transistor)
    return each.speed_bit_s, values, each.level_v


def what_fails(found: Iterable[Row]) -> list[str]:
    """Return a sentence for each row of the board's values that reads less than is promised.

    Promised is: from 3.5 V every sample, also with clocks apart; at 2 V all but the one of the
    lowest transfer ratio, with one clock. At 1.2 V nothing is, for the LEDs need as much.
    """
    said = []
    for row in found:
        enough = {1.2: (0, 0), 2.0: (len(SAMPLES) - 1, 0)}.get(row.level_v, (len(SAMPLES),) * 2)
        if (row.read, row.read_by_others) < enough or row.read_by_others < enough[1]:
            said.append(
                f"{row.speed_bit_s} bit/s at {row.level_v} V: of {len(SAMPLES)} samples {row.read} "
                f"are read, and {row.read_by_others} with clocks apart; promised are {enough[0]} "
                f"and {enough[1]}."
            )
    return said


def as_csv(results: Iterable[Result]) -> str:
    """Return results as a table, under the hash of the model that they belong to."""
    out = io.StringIO()
    out.write(f"# model {model_hash()}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(field.name for field in fields(Result))
    for each in results:
        writer.writerow(_written(value) for value in astuple(each))
    return out.getvalue()


def _written(value: object) -> object:
    return ("yes" if value else "no") if isinstance(value, bool) else value


def kept_results(path: Path = RESULTS) -> tuple[str, list[Result]]:
    """Return the hash and the results of a table."""
    head, _, table = path.read_text("utf-8").partition("\n")
    kept = []
    for row in csv.DictReader(io.StringIO(table)):
        typed: dict[str, Any] = {
            field.name: _KINDS[cast("type", field.type)](row[field.name])
            for field in fields(Result)
        }
        kept.append(Result(**typed))
    return head.removeprefix("# model "), kept


_KINDS: Mapping[type, Callable[[str], object]] = {
    int: int,
    float: float,
    str: str,
    bool: "yes".__eq__,
}
