"""Metering with one old fault put back; a check that passes on these is useless."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import PropertyMock, patch

from edge.chip.confirming import Confirmation
from edge.metering import changes, following, meter, passage, timekeeping
from edge.metering.meter import Meter
from edge.metering.other_meter import SetAside
from edge.metering.timekeeping import BelievedTime, Source
from edge.tic import consistency
from edge.tic.consistency import ConsistencyCheck
from protocol import registers
from tests.support import metering_examples as examples
from tests.support.metering_examples import Example

Fault = Callable[[], AbstractContextManager]


def believe_any_clock() -> AbstractContextManager:
    """Believe a meter's clock that is marked degraded, and a host's that nothing has set."""
    return patch.object(
        meter, "keep_time", lambda state, reading, _host: BelievedTime(state, reading.at)
    )


def ignore_person() -> AbstractContextManager:
    """Leave an index in quarantine forever."""
    return patch.object(Confirmation, "carry_out", lambda _confirmation, _meter: [])


def count_before_the_calendar_is_known() -> AbstractContextManager:
    """Delay a calendar by some frames, but not the registers that count by it."""
    return _together(
        patch.object(ConsistencyCheck, "_is_in_doubt", lambda _check, _held: False),
        patch.object(Meter, "_is_unnamed", lambda _meter, _reading: False),
    )


def take_one_total_for_another() -> AbstractContextManager:
    """Count the difference between a sum of registers and EAST as energy."""
    return patch.object(passage, "have_same_total", lambda _last, _reading: True)


def follow_any_meter() -> AbstractContextManager:
    """Follow another meter at once, and treat the first one as new when it returns."""
    return _together(
        patch.object(SetAside, "has_stayed", PropertyMock(return_value=True)),
        patch.object(changes, "_former", lambda _account, _reading: (None, None)),
    )


def know_one_name() -> AbstractContextManager:
    """Recognise a calendar only by its name in one TIC mode."""
    return patch.object(registers, "_STANDARD_NAMES", {})


def hold_to_the_contract() -> AbstractContextManager:
    """Always refuse what exceeds one and a half times the subscribed power."""
    return patch.object(consistency, "_CONTRADICTIONS", 1 << 62)


def report_no_jump() -> AbstractContextManager:
    """Believe a jump that stays, without a notice."""

    def report_nothing(account, _last, _reading):
        return account, []

    return _together(
        patch.object(following, "note_jump", report_nothing),
        patch.object(changes, "note_jump", report_nothing),
    )


def choose_the_meters_clock() -> AbstractContextManager:
    """Follow the meter's clock whenever it differs for good, also where it closes ahead."""
    return patch.object(timekeeping, "_likelier", lambda _state, _clocks: Source.METER)


def count_twice_what_a_register_held_back() -> AbstractContextManager:
    """Count a register's rise over a change of mode, though the total has part of it already."""
    return patch.object(passage, "_counted_already_wh", lambda _last, _rises_wh: 0)


class _together(AbstractContextManager):  # noqa: N801 - reads as a function
    def __init__(self, *patches) -> None:
        self._patches = patches

    def __enter__(self) -> None:
        for patched in self._patches:
            patched.__enter__()

    def __exit__(self, *exc) -> None:
        for patched in reversed(self._patches):
            patched.__exit__(*exc)


# Each fault, and the example that finds it.
FAULTS: dict[Fault, Example] = {
    believe_any_clock: examples.a_meters_clock_is_unsure,
    ignore_person: examples.a_register_is_reset,
    count_before_the_calendar_is_known: examples.a_calendar_changes_in_a_silence,
    take_one_total_for_another: examples.a_mode_changes,
    follow_any_meter: examples.another_meter_comes_and_goes,
    know_one_name: examples.a_day_passes_in_historique,
    hold_to_the_contract: examples.more_is_drawn_than_subscribed,
    report_no_jump: examples.a_register_jumps,
    choose_the_meters_clock: examples.a_store_is_lost_beside_a_meter_whose_clock_is_ahead,
    count_twice_what_a_register_held_back: (
        examples.a_register_wraps_in_the_last_frame_before_a_mode_changes
    ),
}
