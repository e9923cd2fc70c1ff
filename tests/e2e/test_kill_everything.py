"""Chips, broker and worker killed at random while blocks flow: none lost, none twice, bills right."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from protocol.calendar import day_start, quarter_hours
from tests.support.broker import wait_until
from tests.support.kill_checks import check_all
from tests.support.kill_program import Program
from tests.support.kill_schedule import Event, draw_schedule
from tests.support.kill_town import Town, running_town

BROKER, WORKER = "broker", "worker"
# Without a kill in it, so that the period's first and last midnight are read.
QUIET_AT_START, QUIET_AT_END = timedelta(minutes=30), timedelta(hours=3)


def blocks_expected(town: Town) -> int:
    """Count a chip's blocks: one a quarter-hour, one at each day's close."""
    days = (town.end - town.start).days
    return sum(quarter_hours(town.start + timedelta(days=n)) + 1 for n in range(days))


def carry_out(town: Town, fleets: dict[str, Program], events: Sequence[Event]) -> None:
    """Do what the schedule says, each at its time or as soon after it as can be."""
    for event in events:
        wait_until(lambda at=event.at: town.clock.now() >= at, f"{event}")
        if event.victim != BROKER:
            program = town.worker if event.victim == WORKER else fleets[event.victim]
            (program.kill if event.is_kill else program.start)()
        elif event.is_kill:
            town.kill_broker()
        else:
            town.start_broker()


def run_with_kills(town: Town, fleet_count: int, kills: int, quarter_hours_per_s: float) -> None:
    fleets = {
        f"chips {n + 1}": town.fleet(town.households[n::fleet_count]) for n in range(fleet_count)
    }
    victims = (*fleets, BROKER, WORKER)
    begin, end = day_start(town.start) + QUIET_AT_START, day_start(town.end) - QUIET_AT_END
    events = draw_schedule(kills, victims, kills, begin, end)
    print(*events, sep="\n")  # noqa: T201 - pytest shows it where the test fails
    town.start_metering(*fleets.values())
    town.play(town.households, day_start(town.start), quarter_hours_per_s * 900)
    town.clock.run(quarter_hours_per_s * 900, end)
    carry_out(town, fleets, events)
    town.await_metering(*fleets.values())
    town.play(town.households, day_start(town.end), quarter_hours_per_s * 900)
    town.settle(town.households)
    town.bill(town.households)
    assert [each.kills for each in fleets.values()] == [kills] * fleet_count
    assert (town.broker_kills, town.worker.kills) == (kills, kills)


@pytest.mark.long
def test_hundreds_of_blocks_survive_three_kills_of_everything(tmp_path):
    with running_town(tmp_path, homes=4, days=1) as town:
        town.households[-1].set_rhythm("daily")
        run_with_kills(town, fleet_count=2, kills=3, quarter_hours_per_s=12)
        stored = check_all(town, town.households)
        assert stored >= 3 * blocks_expected(town) + 1


@pytest.mark.long
def test_ten_thousand_blocks_survive_twenty_kills_of_everything(tmp_path):
    with running_town(tmp_path, homes=12, days=9) as town:
        run_with_kills(town, fleet_count=2, kills=20, quarter_hours_per_s=4)
        stored = check_all(town, town.households)
        assert stored == 12 * blocks_expected(town)
        assert stored >= 10_000
