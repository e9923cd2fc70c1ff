"""`volet edge simulate`: send a Linky's TIC output to standard output or a pseudo-terminal."""

import csv
import signal
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from types import FrameType

import click

from edge.commands.household import HouseholdCommand, echo_translated
from edge.simulate.curve import Curve
from edge.simulate.curve_files import load_curve
from edge.simulate.curve_rows import YEARS
from edge.simulate.faults import Wire, parse_faults
from edge.simulate.home import HomeSettings, SimulatedHome, build_home
from edge.simulate.household import synthetic_curve
from edge.simulate.link import PtyLink
from edge.simulate.player import default_frame_step_s, frames, play
from edge.simulate.tariff import MeterOption, StgeColour
from edge.tic.frame import Mode
from protocol.calendar import PARIS, legal_day
from protocol.errors import ConfigError, FrameError

DEFAULT_START = datetime(2025, 1, 1, tzinfo=PARIS)
DEFAULT_DAYS = 365
MAX_SINGLE_PHASE_KVA = 12
COLOURS = {"bleu": StgeColour.BLUE, "blanc": StgeColour.WHITE, "rouge": StgeColour.RED}


def parse_instant(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    """Parse an ISO 8601 date or instant; without an offset it is French local time."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError as exc:
        message = f"{value!r} is not an instant such as 2025-01-10 or 2025-01-10T12:00."
        raise click.BadParameter(message, ctx, param) from exc
    if at.year not in YEARS:
        message = f"{value!r} is not in a year from {YEARS[0]} to {YEARS[-1]}."
        raise click.BadParameter(message, ctx, param)
    return at if at.tzinfo else at.replace(tzinfo=PARIS)


def parse_speed(ctx: click.Context, param: click.Parameter, value: str) -> float | None:
    """Parse a factor above 0; return None for `max`."""
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        message = f"{value!r} is neither a factor above 0 nor `max`."
        raise click.BadParameter(message, ctx, param)
    return speed


@click.command(cls=HouseholdCommand)
@click.option(
    "--curve",
    "curve_file",
    type=click.Path(path_type=Path),
    help="Load curve, CSV: `start_utc,energy_wh`, or an Enedis export. Without it, a synthetic household.",
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default="standard",
    show_default=True,
    help="TIC mode.",
)
@click.option(
    "--option",
    type=click.Choice([option.value for option in MeterOption]),
    default="base",
    show_default=True,
    help="Tariff option.",
)
@click.option(
    "--link",
    type=click.Path(path_type=Path),
    help="Create a pseudo-terminal with a symbolic link here; start when it is opened. Without it, standard output.",
)
@click.option(
    "--speed",
    callback=parse_speed,
    default="1",
    show_default=True,
    help="How many times faster simulated time passes, or `max`.",
)
@click.option(
    "--faults",
    default="",
    metavar="NAME=VALUE,…",
    help="What goes wrong: rates flips, drops, bursts, eot, parity; instants replace, mode, wrap, reset; INSTANT/OPTION calendar; FROM/TO cut, degraded, other.",
)
@click.option(
    "--from",
    "start",
    callback=parse_instant,
    help="Begin here. [default: the curve's start; 2025-01-01]",
)
@click.option(
    "--to", "end", callback=parse_instant, help="End here. [default: the curve's end; a year later]"
)
@click.option(
    "--kva", type=click.IntRange(3, 36), default=6, show_default=True, help="Subscribed power."
)
@click.option(
    "--phases", type=click.Choice(["1", "3"]), default="1", show_default=True, help="Phases."
)
@click.option("--producer", is_flag=True, help="Add solar panels that inject what is not used.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Seed of household, serial, indices and faults.",
)
@click.option(
    "--frame-step",
    "frame_step_s",
    type=click.IntRange(0, 3_600),
    metavar="SECONDS",
    help="Simulated seconds between frames; 0: as the line carries them. [default: by speed]",
)
@click.option(
    "--tempo-days",
    type=click.Path(path_type=Path),
    help="CSV `date,colour` (bleu, blanc, rouge) of Tempo days. [default: drawn from the seed]",
)
def simulate(  # noqa: PLR0913 - click hands each option over as an argument
    *,
    curve_file: Path | None,
    mode: str,
    option: str,
    link: Path | None,
    speed: float | None,
    faults: str,
    start: datetime | None,
    end: datetime | None,
    kva: int,
    phases: str,
    producer: bool,
    seed: int,
    frame_step_s: int | None,
    tempo_days: Path | None,
) -> None:
    """Simulate a Linky's TIC output: either mode, any tariff option, faults on request."""
    if phases == "1" and kva > MAX_SINGLE_PHASE_KVA:
        raise ConfigError(f"--kva {kva} needs --phases 3: one phase carries 12 kVA at most.")
    wanted = parse_faults(faults)
    curve = _curve(curve_file, start, end, kva, seed)
    settings = HomeSettings(
        mode=Mode(mode),
        option=MeterOption(option),
        kva=kva,
        phases=int(phases),
        is_producer=producer,
        seed=seed,
    )
    colours = None if tempo_days is None else load_tempo_days(tempo_days)
    home = build_home(curve, settings, wanted, colours)
    begin, finish = start or home.start, end or home.end
    if not home.start <= begin < finish <= home.end:
        raise ConfigError(
            f"--from/--to: the curve covers {home.start.astimezone(PARIS):%Y-%m-%d %H:%M} "
            f"to {home.end.astimezone(PARIS):%Y-%m-%d %H:%M}; choose a period within."
        )
    step_s = default_frame_step_s(speed) if frame_step_s is None else frame_step_s
    _send(home, Wire(wanted, seed), (begin, finish), step_s, speed, link)


def load_tempo_days(path: Path) -> dict[date, StgeColour]:
    """Read a list of Tempo days.

    Raises:
        FrameError: the file cannot be read, or a line is wrong; the message names the line.
    """
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise FrameError(f"{path}: the list of Tempo days cannot be read: {exc}") from exc
    if not rows or rows[0] != ["date", "colour"]:
        raise FrameError(f"{path}, line 1: expected the header `date,colour`")
    colours = {}
    for number, row in enumerate(rows[1:], 2):
        try:
            day, colour = row
            colours[date.fromisoformat(day)] = COLOURS[colour]
        except (ValueError, KeyError) as exc:
            raise FrameError(
                f"{path}, line {number}: expected a date and bleu, blanc or rouge, "
                f"found {','.join(row)!r}"
            ) from exc
    return colours


def _curve(
    curve_file: Path | None, start: datetime | None, end: datetime | None, kva: int, seed: int
) -> Curve:
    if curve_file is not None:
        return load_curve(curve_file)
    first = legal_day(start or DEFAULT_START)
    last = (
        first + timedelta(days=DEFAULT_DAYS) if end is None else legal_day(end) + timedelta(days=1)
    )
    if last <= first:
        raise ConfigError("--to lies before --from.")
    return synthetic_curve(seed, first, last, kva)


def _send(
    home: SimulatedHome,
    wire: Wire,
    period: tuple[datetime, datetime],
    frame_step_s: int,
    speed: float | None,
    link: Path | None,
) -> None:
    stream = frames(home, *period, frame_step_s)
    if link is None:
        if sys.stdout is None:  # closed by the parent process
            raise ConfigError("Standard output is closed; give --link, or leave it open.")

        def sink(data: bytes) -> None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

        play(stream, wire, sink, speed)
        return
    signal.signal(signal.SIGTERM, _stop)
    with PtyLink(link) as line:
        echo_translated(
            f"TIC output on {link} ({line.device}); starts when it is opened.", err=True
        )
        line.wait_for_reader()
        play(stream, wire, line.send, speed)
        line.drain()


def _stop(number: int, frame: FrameType | None) -> None:
    del number, frame
    sys.exit(0)
