"""What the panel shows and what its button means, without pins.

No light says anything by its colour: place and rhythm do. None flashes more than three times a
second (WCAG 2.2, 2.3.1).
"""

from enum import StrEnum

import msgspec

# What the hand has to hold for each; a short touch, by a child or a broom, is nobody's decision.
YES_S = 3.0
PAIR_S = 10.0
ERASE_S = 20.0


class Light(StrEnum):
    """The lights, by what they tell of."""

    LINE = "line"
    CITY = "city"
    HOME = "home"


class Rhythm(msgspec.Struct, frozen=True):
    """How a light is lit: `lit_s` and `dark_s` in turn; a `dark_s` of 0 never ends.

    `flashes` of them are followed by a pause, if it is not 0: so a number can be counted.
    """

    lit_s: float
    dark_s: float
    flashes: int = 0


DARK = Rhythm(0.0, 0.0)
STEADY = Rhythm(1.0, 0.0)
# As "Etat Liaison Comptage" on Enedis' own receiver.
SLOW = Rhythm(0.1, 2.9)
FAST = Rhythm(0.1, 0.9)
EVEN = Rhythm(1.5, 1.5)


def counted(number: int) -> Rhythm:
    """Return the rhythm in which a person counts a number from 2 to 9."""
    return Rhythm(0.25, 0.25, number)


def counting_s(rhythm: Rhythm) -> float:
    """Return how long it takes to count the flashes of a rhythm; 0 if they are not counted."""
    return rhythm.flashes * (rhythm.lit_s + rhythm.dark_s)


class Facts(msgspec.Struct, frozen=True):
    """What the lights tell.

    Attributes:
        is_line_good: a good frame has come within ten seconds.
        is_connected: there is a session with the collectivity's broker.
        is_sending: something waits to be sent, or to be acknowledged.
        is_refused: the broker refuses this chip, or has revoked it.
        needs_attention: the household can do something, as the page and `volet edge status` say.
        is_on_trial: a new release runs that has still to prove that it does well.
        has_news: a bill or a letter has come, or a release was taken back, and nobody has looked.
        is_asking: a press would answer a question.
        number: the number that a visitor of the page reads there, from 2 to 9; None without one.
    """

    is_line_good: bool = False
    is_connected: bool = False
    is_sending: bool = False
    is_refused: bool = False
    needs_attention: bool = False
    is_on_trial: bool = False
    has_news: bool = False
    is_asking: bool = False
    number: int | None = None


def rhythms(facts: Facts, *, is_night: bool) -> dict[Light, Rhythm]:
    """Return the rhythm of each light; at night, all are dark but for a question."""
    home = _home(facts)
    if is_night:
        asks = facts.number is not None or facts.is_asking
        return {Light.LINE: DARK, Light.CITY: DARK, Light.HOME: home if asks else DARK}
    return {
        Light.LINE: SLOW if facts.is_line_good else FAST,
        Light.CITY: _city(facts),
        Light.HOME: home,
    }


def _city(facts: Facts) -> Rhythm:
    if facts.is_refused:
        return FAST
    if not facts.is_connected:
        return DARK
    return SLOW if facts.is_sending else STEADY


def _home(facts: Facts) -> Rhythm:
    if facts.number is not None:
        return counted(facts.number)
    if facts.is_asking:
        return SLOW
    if facts.needs_attention:
        return FAST
    if facts.is_on_trial:
        return EVEN
    return STEADY if facts.has_news else DARK


class Press(StrEnum):
    """What a press of the button means."""

    YES = "yes"
    PAIR = "pair"
    ERASE = "erase"


class Button:
    """Turns how long the button is held into presses; a press counts once.

    A hold of three seconds counts when it ends, since it may become one of ten; a hold of ten goes
    on to one of twenty.
    """

    def __init__(self) -> None:
        self._held_s = 0.0
        self._taken: Press | None = None

    def step(self, held_s: float | None) -> Press | None:
        """Return the press that `held_s` completes: for how long it is held, None if it is not."""
        if held_s is None:
            held_before_s, taken = self._held_s, self._taken
            self._held_s, self._taken = 0.0, None
            return Press.YES if held_before_s >= YES_S and taken is None else None
        self._held_s = max(self._held_s, held_s)
        press = _longest(held_s)
        if press is None or self._taken in {press, Press.ERASE}:
            return None
        self._taken = press
        return press


def _longest(held_s: float) -> Press | None:
    """Return what a hold means that is not over; None if it may still become a yes."""
    if held_s >= ERASE_S:
        return Press.ERASE
    return Press.PAIR if held_s >= PAIR_S else None
