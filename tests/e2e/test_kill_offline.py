"""A chip without its broker for days, then back: all drained, and what is new does not wait."""

from datetime import timedelta

import pytest

from protocol.calendar import day_start
from tests.support.broker import wait_until
from tests.support.kill_checks import check_all
from tests.support.kill_town import running_town

DAYS = 30
SPEED = 900 * 200
IN_THE_DAY = timedelta(hours=9, minutes=10)
# A chip that is back drains this slowly until the test has seen that a live block overtakes.
TRICKLE_PER_S = 0.5
VAULT_MAX_BYTES_A_BLOCK = 2_000


@pytest.mark.long
def test_thirty_days_offline_are_drained_while_live_blocks_go_first(tmp_path):
    with running_town(tmp_path, homes=1, days=DAYS + 2) as town:
        (household,) = town.households
        household.set_rhythm("quarter_hourly", TRICKLE_PER_S)
        fleet = town.fleet(town.households)
        town.start_metering(fleet)
        town.play(town.households, day_start(town.start), SPEED)
        at = day_start(town.start + timedelta(days=1)) + IN_THE_DAY
        town.play(town.households, at, SPEED)
        wait_until(household.is_settled, "all to be stored before the broker goes")

        town.kill_broker()
        at += timedelta(days=DAYS)
        town.play(town.households, at, SPEED)
        waiting = household.figures()
        assert waiting.outbox_depth >= DAYS * 96
        size_bytes = (household.directory / "vault.db").stat().st_size
        assert size_bytes < VAULT_MAX_BYTES_A_BLOCK * waiting.blocks
        town.start_broker()
        wait_until(lambda: household.figures().outbox_depth < waiting.outbox_depth, "a first ack")

        held = newest_stored(town)
        town.play(town.households, at + timedelta(hours=1), SPEED)
        wait_until(lambda: newest_stored(town) > held, "a live block to be stored")
        assert household.figures().outbox_depth > DAYS * 96 / 3  # most of the backlog still waits

        fleet.kill()
        household.set_rhythm("quarter_hourly")
        town.start_metering(fleet)
        town.play(town.households, day_start(town.end), SPEED)
        town.settle(town.households)
        town.bill(town.households)
        check_all(town, town.households)


def newest_stored(town):
    """Return day and end of the newest block of all that are stored."""
    (household,) = town.households
    blocks = town.store.blocks_of_days(
        household.identity.household_key, town.start, town.end + timedelta(days=9)
    )
    return max((block.day, block.j0 + len(block.coefficients) // 8) for block in blocks)
