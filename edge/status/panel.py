"""The panel's pins: lights and a button, each of which may be missing.

gpiozero chooses the pins (GPIOZERO_PIN_FACTORY), so that the panel runs without hardware.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Self, TypeVar

from gpiozero import LED, DigitalInputDevice
from gpiozero.exc import BadPinFactory, GPIOZeroError
from gpiozero.pins import Factory

from edge.status.lights import Button, Light, Press, Rhythm, counting_s
from protocol.errors import ConfigError

T = TypeVar("T")

# The library below gpiozero has an error of its own for a pin that another program has; to import
# it would start a thread.
_OF_PINS = "lgpio"

# Between two counts of a number.
PAUSE_S = 1.5


class Panel:
    """The lights and the button that there are."""

    def __init__(
        self, lights: Mapping[Light, LED], button: DigitalInputDevice | None = None
    ) -> None:
        """Use `open` instead."""
        self._lights = lights
        self._pin = button
        self._button = Button()
        self._is_held = False
        self._shown: dict[Light, Rhythm] = {}
        self._again_at_s: dict[Light, float] = {}

    @classmethod
    def open(
        cls,
        lights: Mapping[Light, int],
        button_gpio: int | None = None,
        pin_factory: Factory | None = None,
    ) -> Self:
        """Open lights and button at their pins (BCM numbers); the environment names the factory.

        Raises:
            ConfigError: there is no such pin, or no pins at all.
        """
        with ExitStack() as opened:
            made = {}
            for light, gpio in lights.items():
                made[light] = _at_pin(f"{light}_gpio", gpio, pin_factory, _light)
                opened.callback(made[light].close)
            button = None
            if button_gpio is not None:
                button = _at_pin("button_gpio", button_gpio, pin_factory, _button)
            opened.pop_all()
            return cls(made, button)

    @property
    def lights(self) -> tuple[Light, ...]:
        """The lights that there are."""
        return tuple(self._lights)

    @property
    def has_button(self) -> bool:
        """True if there is a button."""
        return self._pin is not None

    @property
    def is_held(self) -> bool:
        """True if the button is held, as `press` saw it last."""
        return self._is_held

    @property
    def lets_in(self) -> bool:
        """True if the button can let visitors in: a light flashes whom the press is for."""
        return self.has_button and Light.HOME in self._lights

    def show(self, rhythms: Mapping[Light, Rhythm], now_s: float) -> None:
        """Light each light that there is in its rhythm; call it again within a second."""
        for light, led in self._lights.items():
            rhythm = rhythms[light]
            is_due = rhythm.flashes and now_s >= self._again_at_s.get(light, now_s)
            if rhythm == self._shown.get(light) and not is_due:
                continue
            self._shown[light] = rhythm
            _begin(led, rhythm)
            self._again_at_s[light] = now_s + counting_s(rhythm) + PAUSE_S

    def press(self) -> Press | None:
        """Return what a press of the button means, once for each; poll this."""
        if self._pin is None:
            return None
        held_s = (self._pin.active_time or 0.0) if self._pin.is_active else None
        self._is_held = held_s is not None
        return self._button.step(held_s)

    def close(self) -> None:
        """Turn the lights off and release the pins."""
        for led in self._lights.values():
            led.close()
        if self._pin is not None:
            self._pin.close()


def _begin(led: LED, rhythm: Rhythm) -> None:
    if not rhythm.lit_s:
        led.off()
    elif not rhythm.dark_s:
        led.on()
    else:
        led.blink(rhythm.lit_s, rhythm.dark_s, rhythm.flashes or None)


def _button(gpio: int, pin_factory: Factory | None) -> DigitalInputDevice:
    return DigitalInputDevice(gpio, pull_up=True, pin_factory=pin_factory)


def _light(gpio: int, pin_factory: Factory | None) -> LED:
    return LED(gpio, pin_factory=pin_factory)


def _at_pin(
    key: str, gpio: int, pin_factory: Factory | None, make: Callable[[int, Factory | None], T]
) -> T:
    try:
        return make(gpio, pin_factory)
    except BadPinFactory as exc:
        raise ConfigError(
            f"panel.{key} is set, but this machine has no pins that gpiozero can drive; take "
            "[panel] out of edge.toml."
        ) from exc
    except Exception as exc:
        if not isinstance(exc, GPIOZeroError) and type(exc).__module__ != _OF_PINS:
            raise
        raise ConfigError(f"panel.{key} = {gpio} cannot be used: {exc}.") from exc
