"""Metering with one old fault put back: a check that stays green on these checks nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import PropertyMock, patch

from edge.chip.confirming import Confirmation
from edge.metering import changes, following, meter, passage
from edge.metering.meter import Meter
from edge.metering.other_meter import SetAside
from edge.metering.timekeeping import BelievedTime
from edge.tic import consistency
from edge.tic.consistency import ConsistencyCheck
from protocol import registers


def believe_any_clock() -> AbstractContextManager:
    """Take a meter's clock that it calls unsure, and a host's that nothing has set."""
    return patch.object(
        meter, "keep_time", lambda state, reading, _host: BelievedTime(state, reading.at)
    )


def hear_no_person() -> AbstractContextManager:
    """Leave an index in quarantine for good."""
    return patch.object(Confirmation, "carry_out", lambda _confirmation, _meter: [])


def count_before_the_calendar_is_known() -> AbstractContextManager:
    """Hold a calendar back for some frames, and not the registers that count by it."""
    return _together(
        patch.object(ConsistencyCheck, "_is_in_doubt", lambda _check, _held: False),
        patch.object(Meter, "_is_unnamed", lambda _meter, _reading: False),
    )


def take_one_total_for_another() -> AbstractContextManager:
    """Take the rise from a sum of registers to EAST, and back, for energy."""
    return patch.object(passage, "have_same_total", lambda _last, _reading: True)


def follow_any_meter() -> AbstractContextManager:
    """Follow another meter at once, and the first one, when it is back, as a new one."""
    return _together(
        patch.object(SetAside, "has_stayed", PropertyMock(return_value=True)),
        patch.object(changes, "_former", lambda _account, _reading: (None, None)),
    )


def know_one_name() -> AbstractContextManager:
    """Know a calendar by the name of one TIC mode only."""
    return patch.object(registers, "_STANDARD_NAMES", {})


def hold_to_the_contract() -> AbstractContextManager:
    """Refuse for good what goes beyond one and a half times the subscribed power."""
    return patch.object(consistency, "_CONTRADICTIONS", 1 << 62)


def tell_no_jump() -> AbstractContextManager:
    """Believe a jump that stays, and say nothing."""

    def tell_nothing(account, _last, _reading):
        return account, []

    return _together(
        patch.object(following, "note_jump", tell_nothing),
        patch.object(changes, "note_jump", tell_nothing),
    )


class _together(AbstractContextManager):  # noqa: N801 - reads as a function
    def __init__(self, *patches) -> None:
        self._patches = patches

    def __enter__(self) -> None:
        for each in self._patches:
            each.__enter__()

    def __exit__(self, *exc) -> None:
        for each in reversed(self._patches):
            each.__exit__(*exc)


FAULTS: tuple[Callable[[], AbstractContextManager], ...] = (
    believe_any_clock,
    hear_no_person,
    take_one_total_for_another,
    follow_any_meter,
    know_one_name,
    hold_to_the_contract,
    tell_no_jump,
)
# Found in a steady household only.
SMALL_FAULTS = (count_before_the_calendar_is_known,)
