"""The lights and the button at pins that gpiozero imitates."""

import itertools

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from edge.status import panel as panel_module
from edge.status.lights import DARK, FAST, SLOW, STEADY, YES_S, Light, Press, counted
from edge.status.panel import PAUSE_S, Panel
from protocol.errors import ConfigError
from tests.support.broker import wait_until

LINE, CITY, HOME = 17, 22, 23
BUTTON = 27
LIGHTS = {Light.LINE: LINE, Light.CITY: CITY, Light.HOME: HOME}


@pytest.fixture
def pins():
    factory = MockFactory()
    yield factory
    factory.close()


@pytest.fixture
def opened(pins):
    panel = Panel.open(LIGHTS, BUTTON, pins)
    yield panel
    panel.close()


def lit_at(pin):
    """The times at which a pin was lit."""
    ups = list(itertools.accumulate(state.timestamp for state in pin.states))
    return [at for at, state in zip(ups, pin.states, strict=True) if state.state]


def all_dark(**but):
    return dict.fromkeys(Light, DARK) | {Light[name]: rhythm for name, rhythm in but.items()}


def test_each_light_is_at_its_own_pin(pins, opened):
    for light, gpio in LIGHTS.items():
        opened.show(dict.fromkeys(Light, DARK) | {light: STEADY}, 0.0)
        assert {pin: pins.pin(pin).state for pin in LIGHTS.values()} == {
            pin: pin == gpio for pin in LIGHTS.values()
        }


def test_a_light_goes_on_flashing_and_is_begun_anew_only_for_another_rhythm(opened, monkeypatch):
    begun = []
    monkeypatch.setattr(panel_module, "_begin", lambda _led, rhythm: begun.append(rhythm))
    for rhythm in (SLOW, SLOW, FAST, FAST, SLOW):
        opened.show(dict.fromkeys(Light, DARK) | {Light.LINE: rhythm}, 0.0)
    assert [rhythm for rhythm in begun if rhythm != DARK] == [SLOW, FAST, SLOW]


def test_the_pin_itself_flashes(pins, opened):
    pin = pins.pin(LINE)
    pin.clear_states()
    opened.show(all_dark(LINE=FAST), 0.0)
    wait_until(lambda: len(lit_at(pin)) >= 2, "two flashes")


def test_a_number_is_flashed_again_after_a_pause(pins, opened):
    pin = pins.pin(HOME)
    pin.clear_states()
    opened.show(all_dark(HOME=counted(2)), 0.0)
    wait_until(lambda: len(lit_at(pin)) == 2 and not pin.state, "two flashes")
    opened.show(all_dark(HOME=counted(2)), 1.0)
    assert len(lit_at(pin)) == 2
    opened.show(all_dark(HOME=counted(2)), 1.0 + PAUSE_S)
    wait_until(lambda: len(lit_at(pin)) == 4 and not pin.state, "two more")


def test_a_hold_is_a_yes_and_a_touch_is_not(pins, opened, monkeypatch):
    held = [0.0]
    monkeypatch.setattr(gpiozero.DigitalInputDevice, "active_time", property(lambda _: held[-1]))
    pin = pins.pin(BUTTON)
    for length_s, meant in ((YES_S - 0.1, None), (YES_S, Press.YES)):
        pin.drive_low()
        held.append(length_s)
        assert opened.press() is None
        assert opened.is_held
        pin.drive_high()
        assert opened.press() is meant
        assert not opened.is_held
        assert opened.press() is None


@pytest.mark.parametrize("light", Light)
def test_parts_may_be_missing(pins, light):
    panel = Panel.open({light: LIGHTS[light]}, None, pins)
    assert (panel.lights, panel.has_button) == ((light,), False)
    panel.show(dict.fromkeys(Light, STEADY), 0.0)
    assert pins.pin(LIGHTS[light]).state
    assert panel.press() is None
    panel.close()


@pytest.mark.parametrize(
    ("lights", "button", "key"),
    [
        ({Light.LINE: 99}, None, "line_gpio"),
        ({Light.LINE: LINE, Light.HOME: 99}, BUTTON, "home_gpio"),
        (LIGHTS, 99, "button_gpio"),
        (LIGHTS, LINE, "button_gpio"),
    ],
)
def test_a_pin_that_is_not_there_is_a_sentence_and_leaves_the_others_free(
    pins, lights, button, key
):
    with pytest.raises(ConfigError, match=f"panel.{key} = .* cannot be used"):
        Panel.open(lights, button, pins)
    Panel.open(LIGHTS, BUTTON, pins).close()


def test_a_pin_that_another_program_has_is_a_sentence(pins, monkeypatch):
    # To import lgpio starts a thread that never ends.
    error = type("error", (Exception,), {"__module__": "lgpio"})

    def taken(*_, **__):
        raise error("GPIO busy")

    monkeypatch.setattr(panel_module, "LED", taken)
    with pytest.raises(ConfigError, match=r"line_gpio = 17 cannot be used: .*GPIO busy"):
        Panel.open(LIGHTS, None, pins)


def test_a_machine_without_pins_is_a_sentence(monkeypatch):
    monkeypatch.setattr(panel_module, "LED", lambda *_, **__: _no_pins())
    with pytest.raises(ConfigError, match="no pins that gpiozero can drive"):
        Panel.open(LIGHTS)


def _no_pins():
    raise gpiozero.exc.BadPinFactory("none")


@pytest.mark.parametrize("lights", [{}, {Light.HOME: HOME}])
@pytest.mark.parametrize("button", [None, BUTTON])
def test_a_button_lets_in_only_where_a_light_flashes_for_whom(pins, lights, button):
    panel = Panel.open(lights, button, pins)
    assert panel.lets_in is (bool(lights) and button is not None)
    panel.close()
