"""The panel: a light that shows the state of the meter's line, and a button.

The light behaves like "Etat Liaison Comptage" on Enedis' own receiver: a short flash every three
seconds while good frames come, and every second while they are bad or absent for ten seconds.
gpiozero chooses the pins (GPIOZERO_PIN_FACTORY), so that the panel runs without hardware.
"""

from typing import Self

from gpiozero import LED, DigitalInputDevice
from gpiozero.exc import BadPinFactory, GPIOZeroError
from gpiozero.pins import Factory

from protocol.errors import ConfigError

FLASH_S = 0.1
GOOD_PERIOD_S = 3.0
BAD_PERIOD_S = 1.0
# A short touch, by a child or a broom, is not the household's decision.
HOLD_S = 3.0


class Panel:
    """The status light, and the button if there is one."""

    def __init__(self, led: LED, button: DigitalInputDevice | None = None) -> None:
        """Use `open` instead."""
        self._led = led
        self._button = button
        self._is_taken = False
        self._is_good: bool | None = None

    @classmethod
    def open(
        cls,
        led_gpio: int,
        pin_factory: Factory | None = None,
        *,
        button_gpio: int | None = None,
    ) -> Self:
        """Open light and button at their pins (BCM numbers); the environment names the factory.

        Raises:
            ConfigError: there is no such pin, or no pins at all.
        """
        try:
            led = LED(led_gpio, pin_factory=pin_factory)
        except BadPinFactory as exc:
            raise ConfigError(
                "panel.led_gpio is set, but this machine has no pins that gpiozero can drive; "
                "take [panel] out of edge.toml."
            ) from exc
        except GPIOZeroError as exc:
            raise ConfigError(f"panel.led_gpio = {led_gpio} cannot be used: {exc}.") from exc
        if button_gpio is None:
            return cls(led)
        try:
            return cls(led, DigitalInputDevice(button_gpio, pull_up=True, pin_factory=pin_factory))
        except GPIOZeroError as exc:
            led.close()
            raise ConfigError(f"panel.button_gpio = {button_gpio} cannot be used: {exc}.") from exc

    def show(self, *, is_line_good: bool) -> None:
        """Flash slowly while the line is good, fast otherwise."""
        if is_line_good is self._is_good:
            return
        self._is_good = is_line_good
        period_s = GOOD_PERIOD_S if is_line_good else BAD_PERIOD_S
        self._led.blink(on_time=FLASH_S, off_time=period_s - FLASH_S)

    def was_held(self) -> bool:
        """Return True once each time the button has been held for three seconds; poll this."""
        if self._button is None or not self._button.is_active:
            self._is_taken = False
            return False
        if self._is_taken or (self._button.active_time or 0.0) < HOLD_S:
            return False
        self._is_taken = True
        return True

    def close(self) -> None:
        """Turn the light off and release the pins."""
        self._led.close()
        if self._button is not None:
            self._button.close()
