"""`volet edge decode`: print a meter's TIC output, record it, and say what is wrong with a line."""

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import FrameType

import click
import structlog

from edge.commands.decode_views import LiveView, PrintedView, View
from edge.commands.household import HouseholdCommand, echo_translated
from edge.tic.decoder import Decoder
from edge.tic.intake import Intake, Source
from edge.tic.masking import Mask
from edge.tic.recorder import Recorder
from edge.tic.replay import Replay
from edge.tic.serial_line import SerialSource, no_serial_device, serial_devices
from edge.tic.source import StreamSource, no_capture
from protocol.errors import FrameError

_WAIT_S = 0.2
_MB = 1_000_000
# An hour of standard mode, and less than mail and issue forms take.
_DEFAULT_LIMIT_MB = 10


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
@click.option(
    "--replay",
    "is_replayed",
    is_flag=True,
    help="Play a record at the pace at which the line sent it.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Also write what arrives, with its times, to a new file that can be decoded again.",
)
@click.option(
    "--record-limit",
    "limit_mb",
    type=click.IntRange(1, 10_000),
    metavar="MB",
    help="End the record at this size. [default: 10]",
)
@click.option(
    "--masked",
    "is_masked",
    is_flag=True,
    help="Mask what identifies the home, in what is printed and recorded.",
)
def decode(
    file: Path,
    *,
    as_json: bool,
    device: Path | None,
    is_replayed: bool,
    record: Path | None,
    limit_mb: int | None,
    is_masked: bool,
) -> None:
    """Decode the TIC output of a meter from FILE, or from standard input if FILE is "-".

    FILE is a capture of the line's bytes, or a record that --record made. Mode, parity and, on a
    device, line speed are detected automatically; if something is wrong with the line, a hint says
    what it is and what to do. Exit codes: 0 done, 2 wrong usage, 5 the source cannot be read or
    holds nothing that a meter sends.
    """
    if device and file != Path("-"):
        raise click.UsageError("Give either FILE or --device, not both.")
    if device and is_replayed:
        raise click.UsageError("--replay plays a record, and --device listens; give one of them.")
    if limit_mb is not None and record is None:
        raise click.UsageError("--record-limit needs --record.")
    decoder = Decoder()
    is_shown = sys.stdout is not None and sys.stdout.isatty()
    is_live = (device is not None or is_replayed) and not as_json and is_shown
    with (
        closing(_open(file, device, decoder, is_live=is_live, is_replayed=is_replayed)) as source,
        _recording(record, limit_mb or _DEFAULT_LIMIT_MB, is_masked=is_masked) as recorder,
    ):
        mask = Mask() if is_masked else None
        intake = Intake(source, decoder, mask=mask, recorder=recorder)
        if is_live and not isinstance(source, StreamSource):
            view: View = LiveView(decoder, intake, source)
        else:
            view = PrintedView(decoder, intake, as_json=as_json)
        _drain(intake, view)
        if recorder is not None and recorder.stopped is not None:
            echo_translated(recorder.stopped, err=True)
    if device is None and not decoder.quality.groups:
        raise no_capture("Standard input" if file == Path("-") else str(file))


def _recording(
    path: Path | None, limit_mb: int, *, is_masked: bool
) -> Recorder | nullcontext[None]:
    if path is None:
        return nullcontext()
    began = datetime.now(UTC)
    return Recorder(path, limit_bytes=limit_mb * _MB, is_masked=is_masked, began=began)


def _open(
    file: Path, device: Path | None, decoder: Decoder, *, is_live: bool, is_replayed: bool
) -> Source:
    if device:
        if not device.exists():
            raise _no_device(device)
        if device.is_file():
            raise FrameError(f"{device} is a file, not a device; give it without --device.")
        if not device.is_char_device():
            raise no_serial_device(device)
        # Standard output carries frames, so line events are logged to standard error. The live view
        # shows them itself.
        structlog.configure(
            logger_factory=structlog.ReturnLoggerFactory()
            if is_live
            else structlog.PrintLoggerFactory(sys.stderr)
        )
        return SerialSource(device, lambda: decoder.quality.groups, is_patient=False)
    stream = _open_stream(file)
    return Replay(stream) if is_replayed else stream


def _open_stream(file: Path) -> StreamSource:
    if file != Path("-"):
        return StreamSource.open(file)
    if sys.stdin is None:  # closed by the parent process
        raise FrameError("Standard input is closed; give the path of a capture.")
    if sys.stdin.isatty():
        raise FrameError(
            "Standard input is this terminal, which is no capture; listen to the meter with --device, "
            "or give the path of a capture."
        )
    return StreamSource(sys.stdin.fileno())


def _no_device(device: Path) -> FrameError:
    found = serial_devices()
    if not found:
        return FrameError(
            f"{device}: no such device, and there is no serial device here: plug the adapter in, "
            "or turn a Pi's UART on with `sudo volet edge setup --apply`."
        )
    return FrameError(f"{device}: no such device; there are {', '.join(found)}.")


def _drain(intake: Intake, view: View) -> None:
    """Decode until the source ends or the user interrupts, then show the rest."""
    try:
        with _stopping() as stop:
            try:
                while not stop.is_set():
                    for frame in intake.step(_WAIT_S):
                        view.take(frame)
                    view.tick()
            except EOFError:
                pass
            for frame in intake.finish():
                view.take(frame)
            view.end()
    finally:
        view.close()


@contextmanager
def _stopping() -> Iterator[Event]:
    """Yield an event that Ctrl-C and SIGTERM set, so that neither cuts a frame or a record.

    A second Ctrl-C interrupts at once.
    """
    stop = Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        restore()
        stop.set()

    for number in before:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        restore()
