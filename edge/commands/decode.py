"""`volet edge decode`: print a meter's TIC output as JSON lines or tables."""

import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import click
import structlog

from edge.commands.household import HouseholdCommand, echo_translated
from edge.language.choice import language
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame
from edge.tic.report import DecodeTally, frame_line, frame_table
from edge.tic.serial_line import SerialSource
from edge.tic.source import StreamSource, TicSource, no_capture
from protocol.errors import FrameError

_WAIT_S = 1.0


@click.command(cls=HouseholdCommand)
@click.argument("file", default="-", type=click.Path(path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object per frame, then a summary."
)
@click.option(
    "--device",
    type=click.Path(path_type=Path),
    help="Listen to a serial device or pty instead, until interrupted.",
)
def decode(file: Path, *, as_json: bool, device: Path | None) -> None:
    """Decode the TIC output of a meter from FILE, or from standard input if FILE is "-".

    Mode, parity and, on a device, line speed are detected automatically. Exit codes: 0 done, 2
    wrong usage, 5 the source cannot be read or holds nothing that a meter sends.
    """
    if device and file != Path("-"):
        raise click.UsageError("Give either FILE or --device, not both.")
    decoder = Decoder()
    source = _open(file, device, decoder)
    write = frame_line if as_json else partial(frame_table, lang=language())
    tally = DecodeTally()
    with closing(source):
        _drain(source, decoder, lambda frame: _show(frame, tally, write))
    figures = decoder.mode, decoder.quality
    if as_json:
        click.echo(tally.summary_line(*figures))
    else:
        echo_translated(tally.summary_text(*figures))
    if device is None and not decoder.quality.groups:
        raise no_capture("Standard input" if file == Path("-") else str(file))


def _open(file: Path, device: Path | None, decoder: Decoder) -> TicSource:
    if device:
        if not device.exists():
            raise FrameError(
                f"{device}: no such device; look for the adapter under /dev/serial/by-id."
            )
        if not device.is_char_device():
            raise FrameError(f"{device} is a file, not a device; give it without --device.")
        # Standard output carries frames, so line events are logged to standard error.
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        return SerialSource(device, lambda: decoder.quality.groups, is_patient=False)
    if file != Path("-"):
        return StreamSource.open(file)
    if sys.stdin is None:  # closed by the parent process
        raise FrameError("Standard input is closed; give the path of a capture.")
    return StreamSource(sys.stdin.fileno())


def _drain(source: TicSource, decoder: Decoder, show: Callable[[Frame], None]) -> None:
    """Decode until the source ends or the user interrupts, then show the remaining frames."""
    try:
        while True:
            for frame in decoder.feed(source.read(_WAIT_S)):
                show(frame)
    except (EOFError, KeyboardInterrupt):
        for frame in decoder.finish():
            show(frame)


def _show(frame: Frame, tally: DecodeTally, write: Callable[[Frame], str]) -> None:
    tally.count(frame)
    click.echo(write(frame))
