"""What the chip answers its page while it is set up, from the meter's line to the enrolment."""

from enum import StrEnum

import msgspec

from edge.household.shown import Row
from edge.household.shown_agreements import ShownContract


class FirstRunStep(StrEnum):
    """What the first run waits for: a meter's line, a request, its answer, or nothing any more."""

    LINE = "line"
    REQUEST = "request"
    ANSWER = "answer"
    DONE = "done"


class ShownFirstRun(msgspec.Struct, frozen=True, tag="first-run"):
    """How far the chip has come.

    Attributes:
        line: what the meter says of itself, or said last.
        faults: what is wrong with the line, and what to do, in words.
        is_away: whether the line's device is not there, or may not be read.
        request: the request that was made, as JSON to hand to the collectivity; empty if none was.
        contract: the contract in that request, None if it holds none.
    """

    step: FirstRunStep
    line: tuple[Row, ...] = ()
    faults: tuple[str, ...] = ()
    is_away: bool = False
    request: str = ""
    contract: ShownContract | None = None


class ShownRequest(msgspec.Struct, frozen=True, tag="request"):
    """A request that is made, or would be, and its contract, None if it holds none."""

    is_made: bool
    contract: ShownContract | None = None


class ShownAnswer(msgspec.Struct, frozen=True, tag="answer"):
    """An answer that fits this chip: who gave it, and the fingerprint to compare before it counts.

    `authority` is the fingerprint as Volet writes it, `authority_openssl` as openssl does. `contract`
    is the one that it puts in force, None if that is none.
    """

    device: str
    collectivity: str
    authority: str
    authority_openssl: str
    contract: ShownContract | None = None
