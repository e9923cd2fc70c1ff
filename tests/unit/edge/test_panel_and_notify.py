"""The status light on mock pins, and what systemd is told."""

import itertools
import socket

import pytest
from gpiozero.pins.mock import MockFactory

from edge.panel.panel import BAD_PERIOD_S, FLASH_S, GOOD_PERIOD_S, HOLD_S, Panel
from protocol.errors import ConfigError
from system.systemd import Notifier
from tests.support.broker import wait_until
from tests.support.chip_bench import BenchClock, instant


@pytest.fixture
def pins():
    factory = MockFactory()
    yield factory
    factory.close()


def periods(pin):
    """The times between the light's flashes."""
    ups = [0.0]
    for state in pin.states:
        ups.append(ups[-1] + state.timestamp)
    lit = [at for at, state in zip(ups[1:], pin.states, strict=True) if state.state]
    return [b - a for a, b in itertools.pairwise(lit)]


def test_the_light_flashes_at_once_and_changes_with_the_line(pins, monkeypatch):
    shown = []
    panel = Panel.open(17, pins)
    monkeypatch.setattr(
        panel._led, "blink", lambda on_time, off_time: shown.append((on_time, off_time))
    )
    for is_good in (False, False, True, True, False):
        panel.show(is_line_good=is_good)
    bad, good = (FLASH_S, BAD_PERIOD_S - FLASH_S), (FLASH_S, GOOD_PERIOD_S - FLASH_S)
    assert shown == [bad, good, bad]
    panel.close()


def test_the_pin_itself_is_driven(pins):
    panel = Panel.open(17, pins)
    pin = pins.pin(17)
    pin.clear_states()
    panel.show(is_line_good=False)
    wait_until(lambda: sum(bool(state.state) for state in pin.states) >= 2, "two flashes")
    panel.close()
    assert periods(pin)[0] == pytest.approx(BAD_PERIOD_S, abs=0.4)


def test_the_button_counts_once_when_it_is_held_and_never_when_it_is_touched(pins, monkeypatch):
    panel = Panel.open(17, pins, button_gpio=27)
    held = []
    monkeypatch.setattr(
        type(panel._button), "active_time", property(lambda _: held[-1] if held else None)
    )
    pin = pins.pin(27)

    def asked(seconds):
        held.append(seconds)
        return panel.was_held()

    assert not panel.was_held()
    pin.drive_low()
    assert [asked(each) for each in (0.0, HOLD_S - 0.1, HOLD_S, HOLD_S + 1)] == [
        False,
        False,
        True,
        False,
    ]
    pin.drive_high()
    assert not asked(HOLD_S)
    pin.drive_low()
    assert asked(HOLD_S)
    panel.close()
    assert not Panel.open(17, pins).was_held()


def test_a_button_on_a_pin_that_is_not_there_is_a_sentence_and_leaves_the_light_free(pins):
    with pytest.raises(ConfigError, match="button_gpio = 99"):
        Panel.open(17, pins, button_gpio=99)
    Panel.open(17, pins).close()


def test_a_pin_that_is_not_there_is_a_sentence(pins):
    with pytest.raises(ConfigError, match="led_gpio = 99"):
        Panel.open(99, pins)


@pytest.mark.parametrize("is_abstract", [False, True])
def test_systemd_is_told_ready_alive_and_stopping(tmp_path, is_abstract):
    name = "@volet-test-notify" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if is_abstract else name)
        manager.settimeout(5)
        clock = BenchClock(instant(2026, 1, 1))
        notifier = Notifier(clock, {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
        notifier.ready()
        notifier.progress()
        notifier.progress()
        clock.seconds += 10
        notifier.progress()
        notifier.stopping()
        told = [manager.recv(100) for _ in range(4)]
    assert told == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_systemd_nothing_is_sent():
    notifier = Notifier(BenchClock(instant(2026, 1, 1)), {})
    notifier.ready()
    notifier.progress()
    notifier.stopping()
