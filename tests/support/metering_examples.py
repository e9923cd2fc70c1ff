"""Short lists of events that were once counted wrong; each plays on the machine of metering."""

from collections.abc import Callable
from datetime import timedelta

from tests.support.metering_machine import LULLS, STARTS, MeteringMachine

Example = Callable[[MeteringMachine], None]
NONE, FRAMES, *_ = LULLS
MORNING = STARTS[3]
LATE_MARCH = STARTS[1]


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


def a_store_is_lost_beside_a_meter_whose_clock_is_ahead(machine: MeteringMachine) -> None:
    """The clock goes wrong in historique, which does not show it; then comes standard."""
    _begin(machine, "BASE", is_historique=True)
    ahead = timedelta(hours=30)
    machine.meter_clock_goes_wrong(lull=NONE, error=ahead, is_degraded=False)
    machine.time_passes(span_s=20_000, pace_s=10, power_va=150)
    machine.mode_changes(lull=NONE)
    machine.store_is_lost(lull=NONE)
    machine.time_passes(span_s=90_000, pace_s=10, power_va=150)


def a_register_wraps_in_the_last_frame_before_a_mode_changes(machine: MeteringMachine) -> None:
    """The frame's total has what the register counted; the register itself is held back."""
    machine.begin(
        start=LATE_MARCH,
        calendar="HPHC",
        below_wrap_wh=100,
        is_historique=False,
        other_wh=0,
    )
    machine.calendar_changes(lull=NONE, calendar="TEMPO")
    machine.time_passes(span_s=90_000, pace_s=10, power_va=9_000)
    machine.mode_changes(lull=NONE)


def clocks_differ_while_an_unknown_calendar_is_waited_for(machine: MeteringMachine) -> None:
    """The first frames after the copy of the card lack a register; they have a time all the same."""
    _begin(machine, "BASE", is_historique=True)
    machine.image_is_taken()
    machine.meter_is_replaced(lull=FRAMES, calendar="HPHC", is_historique=False, first_wh=5_000)
    machine.all_is_right_again(trusted="meter")
    machine.calendar_changes_unseen(calendar="TEMPO", is_restarted=True)
    machine.image_is_restored(lull=NONE)
    machine.host_clock_goes_wrong(lull=NONE, error=-timedelta(hours=2), is_synchronised=True)
    machine.calendar_changes_unseen(calendar="EJP", is_restarted=False)


def a_calendar_changes_while_frames_come_slowly_after_a_silence(machine: MeteringMachine) -> None:
    """The frames that are left out at the change are a second gap of the spell, half an hour on."""
    machine.begin(
        start=STARTS[1], calendar="BASE", below_wrap_wh=5_000, is_historique=False, other_wh=0
    )
    machine.calendar_changes(lull=("silence", 40_000, 0, 6_000), calendar="EJP")
    machine.calendar_changes(lull=FRAMES, calendar="BASE")
    machine.time_passes(span_s=3_600, pace_s=840, power_va=9_000)


def a_meters_clock_is_unsure(machine: MeteringMachine) -> None:
    _begin(machine, "BASE", is_historique=False)
    days = timedelta(days=40)
    machine.meter_clock_goes_wrong(lull=NONE, error=days, is_degraded=True)
    machine.host_clock_goes_wrong(lull=NONE, error=days, is_synchronised=False)
    machine.time_passes(span_s=3_600, pace_s=60, power_va=1_200)


def a_register_is_reset(machine: MeteringMachine) -> None:
    _begin(machine, "HPHC", is_historique=False)
    machine.register_is_reset(lull=NONE, number=1, is_in_total=True)


def a_mode_changes(machine: MeteringMachine) -> None:
    _begin(machine, "HPHC", is_historique=True)
    machine.mode_changes(lull=NONE)


def another_meter_comes_and_goes(machine: MeteringMachine) -> None:
    _begin(machine, "HPHC", is_historique=False)
    machine.other_meter_is_heard(index_wh=20_000_000)
    machine.time_passes(span_s=20_000, pace_s=300, power_va=1_200)
    machine.own_meter_is_heard(lull=NONE)


def a_day_passes_in_historique(machine: MeteringMachine) -> None:
    _begin(machine, "TEMPO", is_historique=True)


def more_is_drawn_than_subscribed(machine: MeteringMachine) -> None:
    _begin(machine, "BASE", is_historique=False)
    machine.more_is_drawn_than_subscribed(lull=NONE, is_restarted=False)


def a_register_jumps(machine: MeteringMachine) -> None:
    _begin(machine, "BASE", is_historique=False)
    machine.register_jumps(lull=NONE, number=0, by_wh=800_000)


def a_calendar_changes_in_a_silence(machine: MeteringMachine) -> None:
    _begin(machine, "EJP", is_historique=False)
    machine.time_passes(span_s=120, pace_s=10, power_va=0)
    machine.calendar_changes_unseen(calendar="TEMPO", is_restarted=False)


def noise_hides_registers_and_a_calendar_changes(machine: MeteringMachine) -> None:
    """The last total counts 66 kWh that no register shows, then a silence counts 66 kWh more."""
    machine.begin(
        start=STARTS[1],
        calendar="HPHC",
        below_wrap_wh=100,
        is_historique=False,
        other_wh=0,
    )
    machine.noise_comes(lull=LULLS[-1], seed=397)
    machine.noise_comes(lull=NONE, seed=74)
    machine.calendar_changes_unseen(calendar="TEMPO", is_restarted=True)


EXAMPLES: tuple[Example, ...] = (
    a_calendar_changes_right_after_a_stay_in_historique,
    a_mode_changes_while_the_curve_takes_a_jump_and_the_store_is_lost,
    noise_hides_registers_and_a_calendar_changes,
    a_meters_clock_is_unsure,
    a_register_is_reset,
    a_mode_changes,
    another_meter_comes_and_goes,
    a_store_is_lost_beside_a_meter_whose_clock_is_ahead,
    a_register_wraps_in_the_last_frame_before_a_mode_changes,
    clocks_differ_while_an_unknown_calendar_is_waited_for,
    a_calendar_changes_while_frames_come_slowly_after_a_silence,
    a_day_passes_in_historique,
    more_is_drawn_than_subscribed,
    a_register_jumps,
    a_calendar_changes_in_a_silence,
)
