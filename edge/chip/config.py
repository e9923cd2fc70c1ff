"""The chip's configuration: `edge.toml` in its directory, overridden by the environment.

A few top-level keys (KEY) can be set as VOLET_EDGE_KEY. Without a file the defaults hold.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from edge.area.settings import AreaConfig
from edge.home.settings import HomeConfig
from edge.metering.state import MeteringSettings
from edge.mqtt.outbox import OutboxSettings as SendingSettings
from edge.stage import CONFIG_NAME
from edge.status.lights import Light
from edge.tic.speed import SPEEDS
from protocol.errors import ConfigError

ENVIRONMENT_PREFIX = "VOLET_EDGE_"
HOURS_6_S = 21_600.0
PSEUDO_TERMINALS = Path("/dev/pts")

_STANDARD_BAUD, _HISTORIQUE_BAUD = SPEEDS


# TXD and RXD of the header's UART, where the meter's line comes in.
UART_PINS = frozenset({14, 15})
Pin = Annotated[int, msgspec.Meta(ge=0, le=27)]


class PanelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The panel, by pins (BCM numbers); each part may be missing.

    Attributes:
        line_gpio: the light that tells of the meter's line.
        city_gpio: the light that tells of the link to the collectivity.
        home_gpio: the light that tells whether the household is asked for something.
        button_gpio: a button to ground.
        quiet: leave the lights dark from 22:00 to 7:00, but for a question.
    """

    line_gpio: Pin | None = None
    city_gpio: Pin | None = None
    home_gpio: Pin | None = None
    button_gpio: Pin | None = None
    quiet: bool = False

    def check(self) -> None:
        """Check that each pin is free, and used once.

        Raises:
            ConfigError: it is not, or there is no pin at all.
        """
        pins = {
            key: pin
            for key, pin in msgspec.structs.asdict(self).items()
            if key.endswith("_gpio") and pin is not None
        }
        if not pins:
            raise ConfigError("The table [panel] names no pin; take it out, or name one.")
        for key, pin in pins.items():
            if pin in UART_PINS:
                raise ConfigError(
                    f"panel.{key} = {pin} is a pin of the meter's line; take another."
                )
            twin = next((each for each in pins if each != key and pins[each] == pin), None)
            if twin is not None:
                raise ConfigError(f"panel.{key} and panel.{twin} are both {pin}; change one.")

    def lights(self) -> dict[Light, int]:
        """Return the pins of the lights that there are."""
        pins = {Light.LINE: self.line_gpio, Light.CITY: self.city_gpio, Light.HOME: self.home_gpio}
        return {light: pin for light, pin in pins.items() if pin is not None}


class EdgeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The choices of the household, or of whoever set the chip up.

    Attributes:
        source: the meter: a serial device, a pty, a capture file, or - for standard input.
        mode: auto finds line speed and mode by itself; the others try one speed only.
        rhythm: send once a day, or each quarter-hour.
        send_window_s: a block leaves after a random part of this (s); 0: all at once, to rehearse.
        panel: the panel, if there is one.
        sending: how fast and how often the outbox sends.
        metering: how far readings may lie apart.
        area: what the area lane may cost, and whether there is one.
        home: the household's own smart home, if it is told anything.
    """

    source: str = "/dev/serial0"
    mode: Literal["auto", "standard", "historique"] = "auto"
    rhythm: Literal["daily", "quarter_hourly"] = "daily"
    send_window_s: Annotated[float, msgspec.Meta(ge=0, le=HOURS_6_S)] = 3_600.0
    panel: PanelConfig | None = None
    sending: SendingSettings = msgspec.field(default_factory=SendingSettings)
    metering: MeteringSettings = msgspec.field(default_factory=MeteringSettings)
    area: AreaConfig = msgspec.field(default_factory=AreaConfig)
    home: HomeConfig | None = None

    @property
    def is_quiet(self) -> bool:
        """True if the panel's lights are dark at night."""
        return self.panel is not None and self.panel.quiet

    @property
    def is_recording(self) -> bool:
        """True if the source is a file or standard input, not a meter's line."""
        return self.source == "-" or Path(self.source).is_file()

    @property
    def is_real_line_called_simulated(self) -> bool:
        """True if the meter is configured as simulated although its source is a serial device."""
        device = Path(self.source).resolve()
        is_serial = device.is_char_device() and not device.is_relative_to(PSEUDO_TERMINALS)
        return self.metering.is_simulated and is_serial

    @property
    def sends_at_once(self) -> bool:
        """True if nothing that the chip sends is put off."""
        return self.send_window_s == 0

    @property
    def speeds(self) -> tuple[int, ...]:
        """The line speeds to try, bit/s."""
        by_mode = {"standard": (_STANDARD_BAUD,), "historique": (_HISTORIQUE_BAUD,)}
        return by_mode.get(self.mode, SPEEDS)


def load_config(directory: Path, environment: Mapping[str, str] = os.environ) -> EdgeConfig:
    """Read a chip's configuration.

    Raises:
        ConfigError: names the file or variable, the key, and what was expected.
    """
    path = directory / CONFIG_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read: {exc}.") from exc
    try:
        config = msgspec.toml.decode(text, type=EdgeConfig)
    except msgspec.MsgspecError as exc:
        raise ConfigError(f"{path}: {exc}; {_expected(str(exc))}") from exc
    return _with_environment(config, environment)


def _with_environment(config: EdgeConfig, environment: Mapping[str, str]) -> EdgeConfig:
    for key in ("source", "mode", "rhythm", "send_window_s"):
        name = f"{ENVIRONMENT_PREFIX}{key.upper()}"
        if name in environment:
            changed = msgspec.to_builtins(config) | {key: environment[name]}
            try:
                config = msgspec.convert(changed, EdgeConfig, strict=False)
            except msgspec.ValidationError as exc:
                raise ConfigError(f"{name}: {exc}.") from exc
    return config


def _expected(message: str) -> str:
    if "unknown field" not in message:
        return "see docs/reference/configuration.md."
    place = message.partition("at `$")[2].strip("`.")
    kinds = {
        "": EdgeConfig,
        "panel": PanelConfig,
        "sending": SendingSettings,
        "area": AreaConfig,
        "home": HomeConfig,
    }
    kind = kinds.get(place, MeteringSettings)
    return f"known here: {', '.join(kind.__struct_fields__)}."
