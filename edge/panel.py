"""The panel: a light that shows how the line to the meter goes.

It does as the light "Etat Liaison Comptage" of Enedis' own receiver: a short flash every three
seconds while good frames come, every second while they are bad or absent for ten seconds. Which
pins there are is gpiozero's to say (GPIOZERO_PIN_FACTORY), so that it runs without hardware.
"""

from typing import Self

from gpiozero import LED
from gpiozero.exc import BadPinFactory, GPIOZeroError
from gpiozero.pins import Factory

from protocol.errors import ConfigError

FLASH_S = 0.1
GOOD_PERIOD_S = 3.0
BAD_PERIOD_S = 1.0


class Panel:
    """The status light."""

    def __init__(self, led: LED) -> None:
        """Use `open` instead."""
        self._led = led
        self._is_good: bool | None = None

    @classmethod
    def open(cls, led_gpio: int, pin_factory: Factory | None = None) -> Self:
        """Take the light at pin `led_gpio` (BCM number), from the environment's factory by default.

        Raises:
            ConfigError: there is no such pin, or no pins at all.
        """
        try:
            return cls(LED(led_gpio, pin_factory=pin_factory))
        except BadPinFactory as exc:
            raise ConfigError(
                "panel.led_gpio is set, but this machine has no pins that gpiozero can drive; "
                "install python3-lgpio, or take [panel] out of edge.toml."
            ) from exc
        except GPIOZeroError as exc:
            raise ConfigError(f"panel.led_gpio = {led_gpio} cannot be used: {exc}.") from exc

    def show(self, *, is_line_good: bool) -> None:
        """Flash slowly while the line is good, fast otherwise."""
        if is_line_good is self._is_good:
            return
        self._is_good = is_line_good
        period_s = GOOD_PERIOD_S if is_line_good else BAD_PERIOD_S
        self._led.blink(on_time=FLASH_S, off_time=period_s - FLASH_S)

    def close(self) -> None:
        """Put the light out."""
        self._led.close()
