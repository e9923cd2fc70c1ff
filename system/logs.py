"""Configures logging for all programs: events on standard error, as JSON unless on a terminal."""

import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import structlog
from structlog.typing import Processor


def configure_logs(least: str = "info") -> None:
    """Log events of at least this level from now on, with time (UTC).

    An event is a past-tense name with values beside it.
    """
    rendered: list[Processor] = (
        # A terminal's default would print local variables, and so keys and readings.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if sys.stderr.isatty()
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(_AsFarAsItGoes(sys.stderr)),  # type: ignore[arg-type]
    )


class _AsFarAsItGoes:
    """A stream for logs, which end no program where its disk is full or its reader has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def raised_at(exc: BaseException) -> str:
    """Return the file and line where an error was raised, for the log.

    A traceback with values could show household data or a token.
    """
    frames = traceback.extract_tb(exc.__traceback__)
    if not frames:  # never raised
        return ""
    frame = frames[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
