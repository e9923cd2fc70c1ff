"""What `volet edge decode` shows: frames one after the other, or a table that is drawn anew."""

import time
from collections.abc import Callable
from typing import Protocol

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.commands.household import echo, echo_translated
from edge.language.choice import language
from edge.language.french.looking_up import sentence_in
from edge.tic.decoder import Decoder
from edge.tic.frame import Frame, InformationGroup
from edge.tic.hints import HINTS
from edge.tic.intake import Intake
from edge.tic.replay import Replay
from edge.tic.report import DecodeTally, frame_line, frame_table, group_cells
from edge.tic.serial_line import SerialSource
from system.console import plain_console

_REDRAW_S = 0.25
# Left to the shell's prompt.
_SPARE_LINES = 2


class View(Protocol):
    """Where decoded frames go."""

    def take(self, frame: Frame) -> None:
        """Take a frame."""

    def tick(self) -> None:
        """Take note that a read has ended, with or without bytes."""

    def end(self) -> None:
        """Show the summary and what is wrong."""

    def close(self) -> None:
        """Give the terminal back."""


class PrintedView:
    """Frames as tables or JSON lines, then a summary with hints.

    If nothing on a device can be read, the hint comes on standard error, once, while it is read.
    """

    def __init__(self, decoder: Decoder, intake: Intake, *, as_json: bool) -> None:
        self._decoder = decoder
        self._intake = intake
        self._as_json = as_json
        self._tally = DecodeTally()
        self._is_hinted = False

    def take(self, frame: Frame) -> None:
        """Print a frame."""
        self._tally.count(frame)
        click.echo(frame_line(frame) if self._as_json else frame_table(frame, language()))

    def tick(self) -> None:
        """Print a hint if nothing can be read."""
        if self._is_hinted or self._decoder.quality.groups or not self._intake.is_unread:
            return
        self._is_hinted = True
        for each in self._intake.faults():
            echo(HINTS[language()][each], err=True)

    def end(self) -> None:
        """Print the summary."""
        figures = self._decoder.mode, self._decoder.quality
        faults = self._intake.faults()
        if self._as_json:
            click.echo(self._tally.summary_line(*figures, faults))
            return
        echo_translated(self._tally.summary_text(*figures))
        if not self._is_hinted:
            for each in faults:
                echo(HINTS[language()][each])

    def close(self) -> None:
        """Do nothing, since the terminal was not taken."""


class LiveView:
    """The present values and the line's quality on a terminal."""

    def __init__(
        self,
        decoder: Decoder,
        intake: Intake,
        source: SerialSource | Replay,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._decoder = decoder
        self._intake = intake
        self._source = source
        self._clock = clock
        self._tally = DecodeTally()
        self._groups: dict[str, InformationGroup] = {}
        self._console = plain_console()
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
        self._next_s = 0.0

    def take(self, frame: Frame) -> None:
        """Take the values of a frame; a complete one drops the labels that it lacks."""
        self._tally.count(frame)
        if frame.is_complete and not frame.is_short:
            self._groups = {}
        self._groups |= frame.groups

    def tick(self) -> None:
        """Draw the view, a few times a second at most."""
        if self._clock() >= self._next_s:
            self._next_s = self._clock() + _REDRAW_S
            self._draw()

    def end(self) -> None:
        """Draw the view a last time and leave it there."""
        self._draw()

    def close(self) -> None:
        """Give the terminal back."""
        self._live.stop()

    def _draw(self) -> None:
        self._live.start()
        lang = language()
        figures = self._decoder.mode, self._decoder.quality
        sentences = [sentence_in(lang, self._tally.summary_text(*figures))]
        if isinstance(self._source, SerialSource) and self._source.fault is not None:
            sentences.append(sentence_in(lang, self._source.fault))
        else:
            sentences += [HINTS[lang][each] for each in self._intake.faults()]
        texts = [Text(each, overflow="fold") for each in sentences]
        width, height = self._console.size
        taken = sum(len(text.wrap(self._console, width)) for text in texts)
        self._live.update(Group(*texts, self._table(height - taken - _SPARE_LINES)), refresh=True)

    def _table(self, height: int) -> Table:
        """Return the values with their meanings, in several columns without if they do not fit."""
        cells = [group_cells(name, group, language()) for name, group in self._groups.items()]
        table = Table.grid(padding=(0, 2))
        if len(cells) <= height:
            for row in cells:
                table.add_row(*map(_text, row))
            return table
        height = max(height, 1)
        columns = [cells[at : at + height] for at in range(0, len(cells), height)]
        for n in range(height):
            pairs = [column[n][:2] if n < len(column) else ("", "") for column in columns]
            table.add_row(*(_text(cell) for pair in pairs for cell in pair))
        return table


def _text(cell: str) -> Text:
    return Text(cell, no_wrap=True, overflow="ellipsis")
