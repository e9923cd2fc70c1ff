"""The cloud's store or the broker's memory set back or lost: the chips fill it up again."""

import shutil
from datetime import timedelta

import pytest

from protocol.calendar import day_start
from tests.support.kill_checks import check_all
from tests.support.kill_town import Town, running_town

SPEED = 900 * 160
IN_THE_DAY = timedelta(hours=15, minutes=10)
RHYTHMS = ("daily", "quarter_hourly")


def play_to(town: Town, day: int, after: timedelta = timedelta()) -> None:
    until = day_start(town.start + timedelta(days=day)) + after
    town.play(town.households, until, SPEED)


def begin(town: Town) -> None:
    for household, rhythm in zip(town.households, RHYTHMS, strict=True):
        household.set_rhythm(rhythm)
    town.start_metering(town.fleet(town.households))
    play_to(town, 0)


def finish(town: Town, day: int) -> None:
    play_to(town, day)
    town.settle(town.households)
    town.bill(town.households)
    check_all(town, town.households)


@pytest.mark.long
def test_the_store_of_three_days_ago_is_filled_up_again(tmp_path):
    with running_town(tmp_path, len(RHYTHMS), days=5) as town:
        begin(town)
        play_to(town, 1, IN_THE_DAY)
        town.settle(town.households)
        backup, held_then = town.back_up_cloud(), town.store.figures().blocks
        play_to(town, 4, IN_THE_DAY)
        town.settle(town.households)
        assert town.store.figures().blocks > held_then + 3 * 96
        town.put_store_back(backup)
        assert town.store.figures().blocks <= held_then + 96
        finish(town, 5)


@pytest.mark.long
def test_a_broker_that_lost_its_memory_costs_a_resend_and_nothing_else(tmp_path):
    with running_town(tmp_path, len(RHYTHMS), days=3) as town:
        begin(town)
        play_to(town, 1, IN_THE_DAY)
        town.settle(town.households)
        held = town.store.figures().blocks
        town.worker.kill()
        play_to(town, 2, IN_THE_DAY)  # what is sent now lies with the broker alone
        assert not any(each.is_settled() for each in town.households)
        town.kill_broker()
        shutil.rmtree(town.broker_data)
        town.broker_data.mkdir(mode=0o700)
        town.start_broker()
        town.worker.start()
        finish(town, 3)
        assert town.store.figures().blocks > held


@pytest.mark.long
def test_broker_and_store_both_set_back_converge(tmp_path):
    with running_town(tmp_path, len(RHYTHMS), days=5) as town:
        begin(town)
        play_to(town, 1, IN_THE_DAY)
        store = town.back_up_cloud()
        town.worker.kill()
        play_to(town, 2)
        town.broker.save()
        broker = tmp_path / "broker-copy"
        shutil.copytree(town.broker_data, broker)
        town.worker.start()
        play_to(town, 3, IN_THE_DAY)
        town.kill_broker()
        shutil.rmtree(town.broker_data)
        shutil.copytree(broker, town.broker_data)
        town.put_store_back(store)
        town.start_broker()
        finish(town, 5)
