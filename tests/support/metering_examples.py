"""Short lists of events that were once counted wrong; each plays on the machine of metering."""

from collections.abc import Callable
from datetime import timedelta

from tests.support.metering_machine import LULLS, STARTS, MeteringMachine

Example = Callable[[MeteringMachine], None]
NONE, FRAMES, _, SILENCE, *_ = LULLS
MORNING = STARTS[3]


def play(example: Example) -> None:
    """Let a household live through the example, and compare what was closed with the truth."""
    machine = MeteringMachine()
    try:
        example(machine)
    finally:
        machine.teardown()


def _begin(machine: MeteringMachine, calendar: str, *, is_historique: bool) -> None:
    machine.begin(
        start=MORNING,
        calendar=calendar,
        below_wrap_wh=990_000_000,
        is_historique=is_historique,
        other_wh=400_000,
    )


def a_calendar_changes_right_after_a_stay_in_historique(machine: MeteringMachine) -> None:
    """Historique BASE has not shown the register that counts under the next calendar."""
    _begin(machine, "BASE", is_historique=False)
    machine.mode_changes(lull=NONE)
    machine.time_passes(span_s=120, pace_s=10, power_va=0)
    machine.mode_changes(lull=NONE)
    machine.calendar_changes(lull=NONE, calendar="HPHC")
    machine.time_passes(span_s=120, pace_s=10, power_va=6_000)


def a_mode_changes_while_the_curve_takes_a_jump_and_the_store_is_lost(
    machine: MeteringMachine,
) -> None:
    """EAST holds 400 kWh of an earlier contract, which the sum of the registers lacks."""
    _begin(machine, "EJP", is_historique=True)
    machine.time_passes(span_s=90_000, pace_s=840, power_va=0)
    machine.register_jumps(lull=NONE, number=1, by_wh=150_000)
    machine.chip_restarts(lull=FRAMES)
    machine.mode_changes(lull=NONE)
    machine.store_is_lost(lull=NONE)


EXAMPLES: tuple[Example, ...] = (
    a_calendar_changes_right_after_a_stay_in_historique,
    a_mode_changes_while_the_curve_takes_a_jump_and_the_store_is_lost,
)
