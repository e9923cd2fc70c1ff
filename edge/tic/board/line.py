"""Which line is the meter's, and what has to change before a chip can read it."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from edge.tic.board.boot_files import header_devices, with_uart, without_console
from edge.tic.board.machine import CMDLINE, CONFIG, HEADER, Board, Machine
from protocol.errors import ConfigError

ON_HEADER = "header"
_SOURCE = re.compile(r"^[ \t]*source[ \t]*=.*", re.MULTILINE)


class Why(StrEnum):
    """Why a file has to change."""

    UART = "uart"
    CONSOLE = "console"
    LOGIN = "login"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Change:
    """A change to a file, or the removal of a link (`after` is None).

    Attributes:
        path: the file.
        why: what it is for.
        before, after: its texts; `before` is None for a file that is new.
    """

    path: Path
    why: Why
    before: str | None
    after: str | None

    @property
    def diff(self) -> str:
        """What changes, as a unified diff without its head."""
        before, after = ((text or "").splitlines() for text in (self.before, self.after))
        return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=1))[2:])


@dataclass(frozen=True, slots=True)
class Plan:
    """The meter's line, and the changes that it needs; a Pi takes some of them at its next start."""

    source: str
    changes: tuple[Change, ...]
    is_for_next_start: bool


def make_plan(machine: Machine, config: Path, asked: str | None) -> Plan:
    """Return what has to change; nothing is changed.

    Args:
        machine: what is there.
        config: the chip's edge.toml, which need not exist.
        asked: the line that a person named: ON_HEADER or a device; None if nobody did.

    Raises:
        ConfigError: which line is meant, or what a file does, cannot be known.
    """
    text = config.read_bytes().decode("utf-8") if config.exists() else None
    source = _line(machine, _configured(config, text), asked)
    changes: list[Change] = []
    if source == HEADER and machine.board is not None:
        changes += boot_changes(machine, machine.board)
    is_for_next_start = bool(changes)
    after = _with_source(config, text or "", source)
    if after != text:
        changes.append(Change(config, Why.SOURCE, text, after))
    return Plan(source, tuple(changes), is_for_next_start)


def boot_changes(machine: Machine, board: Board) -> Iterator[Change]:
    """Yield the changes of a board's files that its header's line needs; raises ConfigError."""
    for name, why, change in (
        (CONFIG, Why.UART, with_uart),
        (CMDLINE, Why.CONSOLE, without_console),
    ):
        before = machine.boot_file(name)
        after = change(before, board)
        if after != before:
            yield Change(machine.root / name, why, before, after)
    for link in machine.gettys(header_devices(board)):
        yield Change(link, Why.LOGIN, f"-> {link.readlink()}", None)


def _line(machine: Machine, configured: str | None, asked: str | None) -> str:
    if asked is not None and asked != ON_HEADER:
        if not (machine.root / asked.lstrip("/")).exists():
            raise ConfigError(f"{asked} is not there; is the adapter plugged in?")
        return asked
    if machine.board is not None:
        if asked == ON_HEADER or configured == HEADER or not machine.adapters:
            return HEADER
    elif asked == ON_HEADER or not machine.adapters:
        raise ConfigError(_no_board(machine))
    if configured in machine.adapters and configured is not None:
        return configured
    if machine.board is None and len(machine.adapters) == 1:
        return machine.adapters[0]
    lines = ([ON_HEADER] if machine.board is not None else []) + list(machine.adapters)
    raise ConfigError(
        "The meter may be on one of several lines; name it with --line: " + ", ".join(lines)
    )


def _no_board(machine: Machine) -> str:
    if machine.model is None:
        return (
            "There is neither a USB adapter in /dev/serial/by-id nor a Raspberry Pi whose header "
            "could be set up; plug the adapter in, or run this on the Pi."
        )
    return (
        f"The board is a {machine.model}, whose header this program does not know; set it up by "
        "its documentation, or take a USB adapter."
    )


def _configured(config: Path, text: str | None) -> str | None:
    try:
        source = msgspec.toml.decode(text or "", type=dict).get("source")
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{config}: {exc}; see docs/reference/configuration.md.") from exc
    return source if isinstance(source, str) else None


def _with_source(config: Path, text: str, source: str) -> str:
    """Return edge.toml with `source`, which stands before any table."""
    configured = _configured(config, text)
    if configured == source:
        return text
    line = f"source = {msgspec.json.encode(source).decode()}"
    after = f"{line}\n{text}" if configured is None else _SOURCE.sub(lambda _: line, text, count=1)
    if _configured(config, after) != source:
        raise ConfigError(f"{config} names its source in a way that this program does not know.")
    return after
