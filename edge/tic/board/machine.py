"""What a machine has: its board, its system, the files that set the board up, and USB adapters.

Everything is read below a root directory, so that a card in a reader or a tree in a test can be
looked at too.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from protocol.errors import ConfigError

CONFIG, CMDLINE = "boot/firmware/config.txt", "boot/firmware/cmdline.txt"
HEADER = "/dev/ttyAMA0"
_MODEL = "proc/device-tree/model"
_BY_ID = "dev/serial/by-id"
_GETTYS = "etc/systemd/system/getty.target.wants"
_DEBIANS = {"12", "13"}


class Uart(Enum):
    """What is on the header's pins as the board is delivered."""

    PL011 = auto()
    MINI = auto()  # the PL011 serves Bluetooth
    NONE = auto()  # /dev/serial0 is the debug connector


@dataclass(frozen=True, slots=True)
class Board:
    """A kind of board.

    Attributes:
        name: as people call it.
        uart: what is on its header.
        sections: the sections of config.txt that are for it.
        unclear: those of which its documentation leaves open whether they are.
    """

    name: str
    uart: Uart
    sections: frozenset[str]
    unclear: frozenset[str] = frozenset()


_BOARDS = (
    (r"Raspberry Pi 2 Model B Rev 1\.2", Board("2", Uart.PL011, frozenset({"pi2"}))),
    (
        r"Raspberry Pi Zero 2 W\b.*",
        Board("Zero 2 W", Uart.MINI, frozenset({"pi0", "pi02"}), frozenset({"pi0w"})),
    ),
    (
        r"Raspberry Pi 3 Model [AB] Plus\b.*",
        Board("3+", Uart.MINI, frozenset({"pi3", "pi3+"})),
    ),
    (r"Raspberry Pi 3 Model B\b.*", Board("3", Uart.MINI, frozenset({"pi3"}))),
    (r"Raspberry Pi 4 Model B\b.*", Board("4", Uart.MINI, frozenset({"pi4"}))),
    (r"Raspberry Pi 5 Model B\b.*", Board("5", Uart.NONE, frozenset({"pi5"}))),
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found below a root directory.

    Attributes:
        root: that directory.
        model: what the device tree calls the board, None if there is no device tree.
        board: None if it is none that this program knows.
        serial0: the device to which /dev/serial0 points, None without such a link.
        adapters: serial devices by USB, each by a name that stays with the adapter.
    """

    root: Path
    model: str | None
    board: Board | None
    serial0: str | None
    adapters: tuple[str, ...]

    @classmethod
    def look(cls, root: Path) -> "Machine":
        """Look at a machine; changes nothing."""
        model = _text(root / _MODEL)
        name = None if model is None else model.rstrip("\0\n")
        known = (board for pattern, board in _BOARDS if name and re.fullmatch(pattern, name))
        link = root / "dev/serial0"
        return cls(
            root=root,
            model=name,
            board=next(known, None),
            serial0=link.readlink().name if link.is_symlink() else None,
            adapters=tuple(f"/{_BY_ID}/{each.name}" for each in sorted((root / _BY_ID).glob("*"))),
        )

    def boot_file(self, name: str) -> str:
        """Return the text of CONFIG or CMDLINE.

        Raises:
            ConfigError: it is not there as Raspberry Pi OS 12 or 13 has it, or cannot be read.
        """
        system = _system(self.root)
        if system is None:
            raise ConfigError(
                "This is no Debian 12 or 13, or Raspberry Pi OS made of them, so what this program "
                "knows of its files may be wrong; set the board up by its documentation."
            )
        path = self.root / name
        text = _text(path)
        if text is None:
            raise ConfigError(
                f"{path} is not there, where Raspberry Pi OS has it; set the board up by the "
                "documentation of its system."
            )
        return text

    def gettys(self, devices: tuple[str, ...]) -> tuple[Path, ...]:
        """Return the links that start a login on one of these devices at each boot."""
        links = (self.root / _GETTYS / f"serial-getty@{device}.service" for device in devices)
        return tuple(link for link in links if link.is_symlink())


def _system(root: Path) -> str | None:
    lines = (_text(root / "etc/os-release") or "").splitlines()
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    if known.get("ID", "").strip('"') != "debian":
        return None
    version = known.get("VERSION_ID", "").strip('"')
    return version if version in _DEBIANS else None


def _text(path: Path) -> str | None:
    """Return a file's text with its line ends as they are, None if it is not there."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read: {exc}.") from exc
