"""The checks of the kill and restore tests see a rule that is broken: real programs, one fault."""

from datetime import timedelta

import pytest

from protocol.calendar import day_start
from protocol.errors import Reason
from tests.support.broker import wait_until
from tests.support.kill_checks import (
    check_all,
    check_coefficients,
    check_not_stored_twice,
    check_stored_once,
)
from tests.support.kill_images import copy_vault, replace_vault
from tests.support.kill_program import Program
from tests.support.kill_town import Town, running_town

SPEED = 900 * 120


def is_red(check, *arguments) -> bool:
    try:
        check(*arguments)
    except AssertionError:
        return True
    return False


def play_to(town: Town, after: timedelta) -> None:
    town.play(town.households, day_start(town.start) + after, SPEED)


def set_back(town: Town, fleet: Program) -> None:
    """Run a chip for a day, and start it again on its card of noon."""
    (household,) = town.households
    town.start_metering(fleet)
    play_to(town, timedelta(hours=12))
    with fleet.frozen():
        copy_vault(household, town.directory / "image")
    play_to(town, timedelta(hours=20))
    fleet.kill()
    replace_vault(household, town.directory / "image")
    town.start_metering(fleet)
    play_to(town, timedelta(hours=22))


@pytest.mark.long
def test_a_chip_that_goes_on_with_an_images_pads_is_caught_by_the_recording(tmp_path):
    with running_town(tmp_path, homes=1, days=1) as town:
        set_back(town, town.fleet(town.households, "reuse-pads"))
        wait_until(
            lambda: is_red(check_coefficients, town.recorder.messages()), "a coefficient reused"
        )
        with pytest.raises(AssertionError, match="have carried two values"):
            check_coefficients(town.recorder.messages())


@pytest.mark.parametrize("is_store_broken", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_reading_that_comes_twice_is_refused_or_seen_to_be_stored_twice(
    tmp_path, is_store_broken
):
    """A chip that does not ask before it encrypts sends the afternoon of a restored card again."""
    with running_town(tmp_path, homes=1, days=1) as town:
        (household,) = town.households
        if is_store_broken:
            town.worker.kill()
            town.broken_worker("store-twice").start()
        set_back(town, town.fleet(town.households, "ask-nobody"))
        check_coefficients(town.recorder.messages())
        if is_store_broken:
            wait_until(lambda: is_red(check_not_stored_twice, town, household), "a second value")
            with pytest.raises(AssertionError, match="stored more than once"):
                check_not_stored_twice(town, household)
        else:
            wait_until(
                lambda: any(each.reason is Reason.CONFLICT for each in town.store.dead_letters()),
                "a refusal",
            )
            check_not_stored_twice(town, household)


@pytest.mark.long
@pytest.mark.parametrize("is_chip_broken", [False, True])
def test_a_worker_that_acknowledges_too_early_loses_blocks_only_of_a_chip_that_trusts_the_broker(
    tmp_path, is_chip_broken
):
    with running_town(tmp_path, homes=1, days=1) as town:
        (household,) = town.households
        fleet = town.fleet(town.households, *["trust-the-broker"] * is_chip_broken)
        town.start_metering(fleet)
        play_to(town, timedelta(hours=6))
        town.settle(town.households)
        town.worker.kill()
        early = town.broken_worker("acknowledge-early")
        early.start()
        play_to(town, timedelta(hours=12))
        wait_until(early.has_ended, "the worker to die between receipt and commit")
        town.worker.start()
        play_to(town, timedelta(hours=24))
        town.settle(town.households)
        if is_chip_broken:
            wait_until(lambda: is_red(check_stored_once, town, household), "blocks to be missed")
            with pytest.raises(AssertionError, match="not stored"):
                check_stored_once(town, household)
        else:
            town.bill(town.households)
            check_all(town, town.households)
