"""What config.txt and cmdline.txt of a Raspberry Pi lack for the header's UART, as texts.

Of config.txt the sections count: `[all]`, those for kinds of boards, and others that depend on what
is plugged in, which nobody can judge from the file. Where one of those, or an included file, decides
about the UART, an error says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edge.tic.board.machine import Board, Uart
from protocol.errors import ConfigError

MARK = "# Volet: the meter's line on the header."
_SECTION = re.compile(r"\[(.*)\]")
_MODELS = {
    *("pi0", "pi0w", "pi02", "pi1", "pi2", "pi3", "pi3+", "pi4", "pi400", "pi5", "pi500"),
    *("cm0", "cm1", "cm3", "cm3+", "cm4", "cm4s", "cm5"),
}
_FREE_OF_BLUETOOTH = {"disable-bt", "miniuart-bt", "pi3-disable-bt", "pi3-miniuart-bt"}
_OTHER_UARTS = re.compile(r"(midi-)?uart[0-9].*")
_ON, _OFF = {"on", "1", "true", "yes", ""}, {"off", "0", "false", "no"}
_CONSOLE = re.compile(r"console=(\w+)(,.*)?")
_DEBUGGER = re.compile(r"kgdboc=.*\b(serial0|ttyAMA0|ttyS0)\b.*")


@dataclass(frozen=True, slots=True)
class _Setting:
    """A line of config.txt; `holds` is None where that cannot be judged."""

    index: int
    key: str
    value: str
    holds: bool | None


def header_devices(board: Board) -> tuple[str, ...]:
    """Return the devices that are, or may be, the line on the header's pins."""
    return ("ttyAMA0",) if board.uart is Uart.NONE else ("ttyAMA0", "serial0", "ttyS0")


def with_uart(text: str, board: Board) -> str:
    """Return config.txt with the PL011 on the header's pins; the same text where it is there.

    Raises:
        ConfigError: a line decides about it that cannot be judged.
    """
    lines = text.splitlines(keepends=True)
    found = [each for each in _settings(lines, board) if _is_about_uart(each)]
    for each in found:
        if each.holds is None or each.key == "include" or _is_unclear(each):
            raise ConfigError(
                f"config.txt, line {each.index + 1}: `{lines[each.index].strip()}` may decide about "
                "the line on the header, and this program does not know how; set that by hand."
            )
    held = [each for each in found if each.holds]
    for each in held:
        if each.key == "enable_uart" and each.value == "0" and board.uart is not Uart.NONE:
            lines[each.index] = f"#{lines[each.index]}"
        if board.uart is Uart.NONE and _uart0(each) in _OFF:
            lines[each.index] = f"#{lines[each.index]}"
    end = "\r\n" if "\r\n" in text else "\n"
    if board.uart is Uart.NONE:
        # At the beginning, where no overlay's parameters are.
        added = [] if any(_uart0(each) in _ON for each in held) else ["dtparam=uart0=on"]
        return _joined([MARK, *added], end) + "".join(lines) if added else "".join(lines)
    if board.uart is Uart.PL011:
        return "".join(lines)
    wanted = {
        "enable_uart=1": any(each.key == "enable_uart" and each.value == "1" for each in held),
        "dtoverlay=disable-bt": any(_overlay(each) in _FREE_OF_BLUETOOTH for each in held),
    }
    added = [line for line, is_there in wanted.items() if not is_there]
    if not added:
        return "".join(lines)
    before = "".join(lines)
    gap = end if before and not before.endswith("\n") else ""
    return f"{before}{gap}{_joined(['[all]', MARK, *added], end)}"


def without_console(text: str, board: Board) -> str:
    """Return cmdline.txt without a console on the header's line.

    Raises:
        ConfigError: it has not one line, or lets a debugger use the line.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise ConfigError(
            f"cmdline.txt has {len(lines)} lines, and the firmware reads one; put that right first."
        )
    words = lines[0].split(" ")
    if debugger := next(filter(_DEBUGGER.fullmatch, words), None):
        raise ConfigError(
            f"cmdline.txt gives the line to the kernel's debugger (`{debugger}`); take that out by "
            "hand if it is not wanted."
        )
    devices = header_devices(board)
    kept = [
        word for word in words if not ((match := _CONSOLE.fullmatch(word)) and match[1] in devices)
    ]
    return text if kept == words else text.replace(lines[0], " ".join(kept))


def _settings(lines: list[str], board: Board) -> Iterator[_Setting]:
    model: str | None = None
    is_conditional = False
    for index, line in enumerate(lines):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if section := _SECTION.fullmatch(text):
            name = section[1].strip().lower()
            if name == "all":
                model, is_conditional = None, False
            elif name in _MODELS or name == "none":
                model = name
            else:
                is_conditional = True
            continue
        holds = _holds(model, board)
        if is_conditional and holds is not False:
            holds = None
        if text.startswith("include "):
            yield _Setting(index, "include", text, holds)
        key, _, value = text.partition("=")
        yield _Setting(index, key.strip(), value.strip(), holds)


def _holds(model: str | None, board: Board) -> bool | None:
    if model in board.unclear:
        return None
    return model is None or model in board.sections


def _is_about_uart(setting: _Setting) -> bool:
    if setting.holds is False:
        return False
    if setting.key == "dtoverlay":
        name = _overlay(setting) or ""
        return name in _FREE_OF_BLUETOOTH or _OTHER_UARTS.fullmatch(name) is not None
    if setting.key == "dtparam":
        return any(each.strip().startswith("uart0") for each in setting.value.split(","))
    return setting.key in {"enable_uart", "include"}


def _is_unclear(setting: _Setting) -> bool:
    """Return whether a line that is about the UART has a form that this program does not know."""
    if setting.key == "dtoverlay":
        return _overlay(setting) not in _FREE_OF_BLUETOOTH
    if setting.key == "dtparam":
        return _uart0(setting) not in _ON | _OFF or len(setting.value.split(",")) > 1
    return setting.value not in {"0", "1"}


def _overlay(setting: _Setting) -> str | None:
    return setting.value.partition(",")[0] if setting.key == "dtoverlay" else None


def _uart0(setting: _Setting) -> str | None:
    """Return the value of `dtparam=uart0`, None for another line."""
    name, _, value = setting.value.partition("=")
    return value.strip() if setting.key == "dtparam" and name.strip() == "uart0" else None


def _joined(lines: list[str], end: str) -> str:
    return "".join(f"{line}{end}" for line in lines)
