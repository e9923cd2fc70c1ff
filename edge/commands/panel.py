"""`volet edge panel`: try the lights and the button."""

import time
from pathlib import Path

import click

from edge.chip.config import load_config
from edge.commands.household import HouseholdCommand, HouseholdGroup, echo
from edge.language.choice import language
from edge.language.typography import bilingual
from edge.stage import CONFIG_NAME, DEFAULT_DIRECTORY, Stage, next_step, stage
from edge.status.lights import DARK, EVEN, FAST, SLOW, STEADY, Light, Press, Rhythm
from edge.status.panel import Panel
from edge.status.presence import StatusFile, is_running
from protocol.errors import ConfigError
from system.commands import directory_option
from system.patience import Patience, wait_until

LIT_S = 3.0
PRESS_WITHIN_S = 30.0
# What a rhythm looks like, as the page and the docs name it.
_RHYTHMS: tuple[tuple[str, Rhythm], ...] = (
    ("steady", STEADY),
    ("slow", SLOW),
    ("fast", FAST),
    ("even", EVEN),
)

WORDS = bilingual(
    fr={
        "line": "Voyant ligne",
        "city": "Voyant ville",
        "home": "Voyant foyer",
        "shows": "{light} : {rhythm}",
        "steady": "allumé",
        "slow": "un éclat toutes les trois secondes",
        "fast": "un éclat par seconde",
        "even": "allumé et éteint tour à tour, une seconde et demie chacun",
        "ask": "Tenez le bouton trois secondes, puis relâchez-le ; l'essai attend {seconds:.0f} s.",
        "yes": "Le bouton a été tenu : oui.",
        "pair": "Le bouton a été tenu dix secondes : un visiteur pourrait entrer.",
    },
    en={
        "line": "Line light",
        "city": "City light",
        "home": "Home light",
        "shows": "{light}: {rhythm}",
        "steady": "steady",
        "slow": "a flash every three seconds",
        "fast": "a flash every second",
        "even": "lit and dark in turn, a second and a half each",
        "ask": "Hold the button for three seconds, then let it go; the test waits {seconds:.0f} s.",
        "yes": "The button was held: yes.",
        "pair": "The button was held for ten seconds: a visitor could enter.",
    },
)

panel = HouseholdGroup(
    "panel", {"test": "edge.commands.panel:test"}, "The lights and the button on the chip."
)


@click.command(cls=HouseholdCommand)
@directory_option(DEFAULT_DIRECTORY, "The chip's")
def test(directory: Path) -> None:
    """Light each light in each rhythm, and wait for a press of the button.

    The chip must not run meanwhile, since it has the pins then. A press does nothing here.
    """
    config = load_config(directory).panel
    if config is None and stage(directory) is Stage.EMPTY:
        raise ConfigError(f"{directory}: {next_step(directory)}")
    if config is None:
        raise ConfigError(f"There is no table [panel] in {directory / CONFIG_NAME}; write one.")
    presence = StatusFile(directory).read().presence
    if presence is not None and is_running(presence):
        raise ConfigError(
            "The chip runs, and may have the pins; stop it first: `systemctl stop 'volet-edge@*'`."
        )
    config.check()
    opened = Panel.open(config.lights(), config.button_gpio)
    try:
        for light in opened.lights:
            _try_light(opened, light)
        if opened.has_button:
            _try_button(opened)
    finally:
        opened.close()


def _try_light(opened: Panel, light: Light) -> None:
    words = WORDS[language()]
    for name, rhythm in _RHYTHMS:
        echo(words["shows"].format(light=words[light], rhythm=words[name]))
        opened.show(dict.fromkeys(Light, DARK) | {light: rhythm}, time.monotonic())
        time.sleep(LIT_S)
    opened.show(dict.fromkeys(Light, DARK), time.monotonic())


def _try_button(opened: Panel) -> None:
    words = WORDS[language()]
    echo(words["ask"].format(seconds=PRESS_WITHIN_S))
    seen: list[Press] = []

    def is_held() -> bool:
        press = opened.press()
        if press is not None:
            seen.append(press)
        return press is not None

    if not wait_until(is_held, Patience(PRESS_WITHIN_S)):
        raise ConfigError(
            "Nobody held the button, or it is not wired to panel.button_gpio and ground."
        )
    echo(words["yes" if seen == [Press.YES] else "pair"])
